export type Progress = {
  /** A record was read; the answer is to be called when it needs no further attempt. */
  begin: (sequenceNumber: string) => () => void;
  /** Records begun that hold the checkpoint back, done ones behind them included. */
  underWay: () => number;
  /** The last record such that it and all before it are done; undefined: none since `from`. */
  reached: () => string | undefined;
};

/** How far a shard has been consumed, when its records end in any order. */
export function progress(onDone: () => void): Progress {
  const open: { sequenceNumber: string; isDone: boolean }[] = [];
  let reached: string | undefined;
  return {
    begin: (sequenceNumber) => {
      const record = { sequenceNumber, isDone: false };
      open.push(record);
      return () => {
        record.isDone = true;
        for (let first = open[0]; first?.isDone; first = open[0]) {
          reached = first.sequenceNumber;
          open.shift();
        }
        onDone();
      };
    },
    underWay: () => open.length,
    reached: () => reached,
  };
}
