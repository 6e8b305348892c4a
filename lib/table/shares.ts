import { type CloudName, CloudOrders, Seen, Testimony, Verdict } from "../cloud/schema.ts";
import type {
  AnswerWrite,
  PushWrite,
  ReconcileDeps,
  Reconciled,
  StackView,
} from "../stack/deps.ts";
import { entriesOf, Share, Stack, type StackName, Status, Wake } from "../stack/schema.ts";
import { eventPut } from "./events.ts";
import type { Condition, Item, Key, Table, Write } from "./item.ts";
import { keys, ofStack, partitions } from "./keys.ts";
import { itemFor, parse, parseAll, parseIf, schema } from "./parse.ts";
import { saveSeen } from "./seen.ts";

/** DynamoDB's limit of a transaction. */
const TRANSACTION = 100;

/** What reconcile reads and writes; each write loses to whoever was first (DESIGN 3.2). */
export function shareTable(
  table: Table,
): Pick<
  ReconcileDeps,
  "readStackView" | "saveReconciled" | "savePushes" | "saveAnswers" | "saveSeen"
> {
  return {
    readStackView: (name) => readStackView(table, name),
    saveReconciled: async (write) => {
      // 45 shares, 45 removed and two more leave room for eight events; the rest can only follow.
      const events = write.events.map(eventPut);
      const writes = reconciledWrites(write);
      const room = TRANSACTION - writes.length;
      if (!(await table.transact([...writes, ...events.slice(0, room)]))) return false;
      await Promise.all(events.slice(room).map((event) => table.write(event)));
      await forgetSeen(table, write);
      return true;
    },
    savePushes: async (writes) => {
      if (await together(table, writes.map(pushWrite))) return idsOf(writes);
      const won = await Promise.all(writes.map((write) => savePush(table, write)));
      return idsOf(writes.filter((_, i) => won[i]));
    },
    saveAnswers: async (name, answers) => {
      const writes = answers.map((answer) => answerWrite(name, answer));
      if (await together(table, writes)) return;
      await Promise.all(writes.map((write) => table.write(write)));
    },
    saveSeen: (seen, previousReadAt) => saveSeen(table, seen, previousReadAt),
  };
}

/** STATUS strictly before all else: whoever writes after it is noticed when this run writes. */
async function readStackView(table: Table, name: StackName): Promise<StackView> {
  const status = parseIf(Status, await table.get(keys.status(name)));
  const [single, shares, verdicts, orders] = await Promise.all([
    table.getMany([keys.stack(name), keys.wake(name)]),
    table.query({ pk: ofStack(name), prefix: "SHARE#" }),
    table.query({ pk: partitions.verdict }),
    table.query({ pk: partitions.cloud }),
  ]);
  const stack = parseIf(Stack, single.find(isAt(keys.stack(name))));
  const wake = parseIf(Wake, single.find(isAt(keys.wake(name))));
  const own = shares.map((item) => parse(Share, item));
  const weighed = entriesOf(stack?.weights ?? {}).map(([cloud]) => cloud);
  const clouds = new Set([...weighed, ...own.map(({ cloud }) => cloud)]);
  const places = [...clouds].map((cloud) => keys.seen(cloud, name));
  const asked = entriesOf(stack?.witnesses ?? {}).map(([cloud]) => keys.witness(cloud, name));
  const found = await table.getMany([...places, ...asked]);
  const seen = found.filter(({ sk }) => sk.startsWith("SEEN#"));
  const said = found.filter(({ sk }) => sk.startsWith("WITNESS#"));
  return {
    ...(status === undefined ? {} : { status }),
    ...(stack === undefined ? {} : { stack }),
    ...(wake === undefined ? {} : { wake }),
    shares: own,
    verdicts: byCloud(parseAll(Verdict, verdicts)),
    orders: byCloud(parseAll(CloudOrders, orders)),
    seen: byCloud(seen.map((item) => parse(Seen, item))),
    ...(said.length === 0 ? {} : { testimonies: byCloud(parseAll(Testimony, said)) }),
  };
}

/** STATUS, the declaration's check and every share; its push is what each share is fenced by. */
function reconciledWrites(write: Reconciled): Write[] {
  const { status, version_read, shares, removed, declaration } = write;
  const name = status.stack_name;
  return [
    { put: itemFor(keys.status(name), status), when: isVersion(version_read) },
    { check: keys.stack(name), when: isDeclaration(declaration) },
    ...shares.map(({ share, push_id_read }): Write => {
      const { cloud, desired, version, blocked, held, lost, attempts, retry_at } = share;
      const own = { stack_name: name, cloud, desired, version };
      const rest = { blocked, held, lost, attempts, retry_at };
      const set = { schema, ...own, ...rest };
      return { update: keys.share(name, cloud), set, when: isPush(push_id_read) };
    }),
    ...removed.map(
      ({ cloud, push_id_read }): Write => ({
        remove: keys.share(name, cloud),
        when: isPush(push_id_read),
      }),
    ),
  ];
}

/** What was seen where the stack no longer is: in no transaction, as there is no room, and no harm in its staying. */
async function forgetSeen(table: Table, { status, removed }: Reconciled): Promise<void> {
  const { stack_name } = status;
  await Promise.all(
    removed.map(({ cloud }) => table.write({ remove: keys.seen(cloud, stack_name) })),
  );
}

/** One transaction costs the embedded database one commit, where writes for themselves cost one each. */
async function together(table: Table, writes: Write[]): Promise<boolean> {
  return writes.length > 1 && table.transact(writes);
}

function pushWrite({ stack_name, cloud, ...write }: PushWrite): Extract<Write, { update: Key }> {
  const { push, attempts, retry_at, version, push_id_read } = write;
  const when: Condition = { equals: { version, "push.id": push_id_read } };
  return { update: keys.share(stack_name, cloud), set: { push, attempts, retry_at }, when };
}

function answerWrite(name: StackName, { cloud, push_id, answered }: AnswerWrite): Write {
  const when: Condition = { equals: { "push.id": push_id } };
  return { update: keys.share(name, cloud), set: { "push.answered": answered }, when };
}

function idsOf(writes: PushWrite[]): Set<string> {
  return new Set(writes.map(({ push }) => push.id));
}

/** Writes the push down, or loses; a write that was repeated because its answer got lost has won. */
async function savePush(table: Table, write: PushWrite): Promise<boolean> {
  const update = pushWrite(write);
  if (await table.write(update)) return true;
  const share = parseIf(Share, await table.get(update.update));
  return share?.push?.id === write.push.id;
}

function isPush(id: string | undefined): Condition {
  return { equals: { "push.id": id } };
}

function isVersion(version: number | undefined): Condition {
  return version === undefined ? { exists: false } : { equals: { version } };
}

function isDeclaration(declaration: Reconciled["declaration"]): Condition {
  if (declaration === undefined) return { absentOrHas: "deleted_at" };
  const { uid, generation } = declaration;
  return { equals: { uid, generation, deleted_at: undefined } };
}

function isAt({ pk, sk }: { pk: string; sk: string }): (item: Item) => boolean {
  return (item) => item.pk === pk && item.sk === sk;
}

function byCloud<T extends { cloud: CloudName }>(all: T[]): Map<CloudName, T> {
  return new Map(all.map((each) => [each.cloud, each]));
}
