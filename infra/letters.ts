/** Keeps for two weeks what nobody could deal with; whatever lies here sets off an alarm. */
export function deadLetters(name: string, opts?: $util.ComponentResourceOptions): sst.aws.Queue {
  return new sst.aws.Queue(
    name,
    { transform: { queue: { messageRetentionSeconds: 14 * 86_400, sqsManagedSseEnabled: true } } },
    opts,
  );
}
