type Fields = Record<string, unknown>;
type LogLine = (message: string, fields?: Fields) => void;

/** What goes on being wrong, told at once, and then ever more rarely. */
export type Complaints = {
  tell: (message: string, fields?: Fields) => void;
  /** It is well: the next complaint is told at once. */
  clear: (message: string) => void;
};

/**
 * One line when something begins to be wrong, and another after a minute, two, four ... an hour while it
 * lasts; what is told and how it changes in between does not matter.
 */
export function complaints(options: {
  log: { warning: LogLine; info: LogLine };
  nowMs: () => number;
  firstPauseMs?: number;
  longestPauseMs?: number;
}): Complaints {
  const { log, nowMs, firstPauseMs = 60_000, longestPauseMs = 3_600_000 } = options;
  let since: number | undefined;
  let dueAt = 0;
  let pauseMs = firstPauseMs;
  return {
    tell: (message, fields = {}) => {
      const now = nowMs();
      since ??= now;
      if (now < dueAt) return;
      log.warning(message, { ...fields, for_s: Math.round((now - since) / 1000) });
      dueAt = now + pauseMs;
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    },
    clear: (message) => {
      if (since === undefined) return;
      log.info(message, { after_s: Math.round((nowMs() - since) / 1000) });
      since = undefined;
      dueAt = 0;
      pauseMs = firstPauseMs;
    },
  };
}
