import { createSocket } from "node:dgram";

export type Family = "A" | "AAAA";
/** The addresses that it says there are, that there is no such name, or nothing at all. */
export type Said = string[] | "no such name" | "nothing";
export type Says = (family: Family) => Said | Promise<Said>;

/** A name server on a free port of this machine that says the same of every name; its address, for a resolver. */
export async function nameServer(says: Says): Promise<{ address: string; close: () => void }> {
  const socket = createSocket("udp4");
  let isOpen = true;
  socket.on("message", async (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const type = question.readUInt16BE(end - 4);
    const said = await says(type === 1 ? "A" : "AAAA");
    if (said === "nothing" || !isOpen) return;
    const records = said === "no such name" ? [] : said.map((address) => record(type, address));
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(said === "no such name" ? 0x8183 : 0x8180, 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt32BE(0, 8);
    const answer = Buffer.concat([head, question.subarray(12, end), ...records]);
    socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    close: () => {
      isOpen = false;
      socket.close();
    },
  };
}

/** An address of the name that was asked for, to be forgotten at once. */
function record(type: number, address: string): Buffer {
  const bytes = address.includes(":") ? bytesOf6(address) : address.split(".").map(Number);
  return Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes]);
}

function bytesOf6(address: string): number[] {
  const [left = [], right = []] = address.split("::").map((half) => half.split(":"));
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].flatMap((group) => {
    const word = Number.parseInt(group || "0", 16);
    return [word >> 8, word & 255];
  });
}
