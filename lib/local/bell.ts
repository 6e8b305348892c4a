export type Bell = {
  /** Ends the present wait, or if nobody waits the next one. */
  ring: () => void;
  /** Resolves after so many milliseconds, or at once when rung; says whether it was. */
  wait: (ms: number) => Promise<boolean>;
};

/** A pause that can be cut short; a ring is never lost, however badly timed. */
export function bell(): Bell {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      isRung = true;
      wake?.();
    },
    wait: async (ms) => {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      const wasRung = isRung;
      wake = undefined;
      isRung = false;
      return wasRung;
    },
  };
}
