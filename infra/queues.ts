/** Keeps for two weeks what nobody could deal with; whatever lies here sets off an alarm. */
export function deadLetters(name: string, opts?: $util.ComponentResourceOptions): sst.aws.Queue {
  return new sst.aws.Queue(
    name,
    { transform: { queue: { messageRetentionSeconds: 14 * 86_400, sqsManagedSseEnabled: true } } },
    opts,
  );
}

/** Minutes in which the schedule could not start the probe. */
export const unprobedMinutes = deadLetters("UnprobedMinutes");

/** Records of the stream that reconcile gave up on: what they named is looked at again all the same. */
export const unreconciledRecords = deadLetters("UnreconciledRecords");
