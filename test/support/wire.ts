import { connect } from "node:net";

export type WireAnswer = { status: number; headers: Map<string, string>; body: string };

/** What came back for some bytes: every answer, and all of it as one text. */
export type Exchange = { answers: WireAnswer[]; raw: string };

const MOST_MS = 5_000;
const SILENCE_MS = 30;

/**
 * Sends bytes on a connection of its own, and reads to the end. With `isOpenEnded` the server may
 * wait for more: after a while of silence it is told that there is none. Throws when it neither
 * answers nor closes, or when what it sends is no HTTP.
 */
export async function exchange(
  port: number,
  bytes: Buffer,
  isOpenEnded: boolean,
): Promise<Exchange> {
  const received = await bytesFor(port, bytes, isOpenEnded);
  const answers: WireAnswer[] = [];
  let rest = received;
  while (rest.length > 0) {
    const { answer, length } = firstAnswer(rest);
    if (answer.status >= 200) answers.push(answer);
    rest = rest.subarray(length);
  }
  return { answers, raw: received.toString("latin1") };
}

function bytesFor(port: number, bytes: Buffer, isOpenEnded: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
      socket.write(bytes);
    });
    const silence = setTimeout(() => {
      if (isOpenEnded) socket.end();
    }, SILENCE_MS);
    // What the server no longer reads, it refused: its answer counts, not our write.
    const done = () => {
      clearTimeout(silence);
      resolve(Buffer.concat(chunks));
    };
    socket.setTimeout(MOST_MS, () => {
      socket.destroy();
      reject(new Error(`neither answered nor closed: ${bytes.toString("latin1").slice(0, 2000)}`));
    });
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      silence.refresh();
    });
    socket.on("end", () => socket.destroy());
    socket.on("close", done);
    socket.on("error", done);
  });
}

/** The answer to HEAD has a length and no body; it is the last of its connection. */
function firstAnswer(bytes: Buffer): { answer: WireAnswer; length: number } {
  const end = bytes.indexOf("\r\n\r\n");
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(first) ?? [];
  if (end < 0 || status === undefined) throw new Error(`no HTTP: ${bytes.toString("latin1")}`);
  const headers = new Map(
    lines.map((line) => {
      const [name = "", ...value] = line.split(":");
      return [name.toLowerCase(), value.join(":").trim()] as const;
    }),
  );
  const from = end + 4;
  const isInterim = Number(status) < 200;
  const length = isInterim ? 0 : Number(headers.get("content-length") ?? bytes.length - from);
  const body = bytes.subarray(from, from + length).toString("utf8");
  return {
    answer: { status: Number(status), headers, body },
    length: from + length,
  };
}
