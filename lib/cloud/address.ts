/**
 * What kind of place an address is: `never` is where a machine keeps its own credentials, or what
 * is no place to serve anything (link-local, metadata, multicast, unspecified); `private` is this
 * machine or its own network.
 */
export type AddressKind = "public" | "private" | "never";

type Block = readonly [address: string, bits: number, kind: AddressKind];

/** The narrower go first. The metadata services of the large providers beside the link-local ones. */
const blocks4: readonly Block[] = [
  ["169.254.0.0", 16, "never"],
  ["100.100.100.200", 32, "never"],
  ["192.0.0.192", 32, "never"],
  ["168.63.129.16", 32, "never"],
  ["0.0.0.0", 8, "never"],
  ["224.0.0.0", 3, "never"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "private"],
  ["127.0.0.0", 8, "private"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "private"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "private"],
];
const blocks6: readonly Block[] = [
  ["fd00:ec2::254", 128, "never"],
  ["fe80::", 10, "never"],
  ["ff00::", 8, "never"],
  ["::", 128, "never"],
  ["2001::", 32, "never"],
  ["64:ff9b:1::", 48, "private"],
  ["::1", 128, "private"],
  ["fc00::", 7, "private"],
  ["fec0::", 10, "private"],
];
/** Where an IPv4 address stands inside an IPv6 one: mapped, compatible, translated, NAT64, 6to4. */
const embedded: readonly (readonly [prefix: string, bits: number, at: number])[] = [
  ["::ffff:0:0", 96, 6],
  ["::", 96, 6],
  ["::ffff:0:0:0", 96, 6],
  ["64:ff9b::", 96, 6],
  ["2002::", 16, 1],
];

/** The kind of an IPv4 or IPv6 address, however it is written; undefined: it is none. */
export function addressKind(text: string): AddressKind | undefined {
  const bare = text.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const four = wordsOf4(bare);
  if (four) return kindIn(blocks4, four, wordsOf4);
  const six = wordsOf6(bare);
  if (!six) return undefined;
  const own = kindIn(blocks6, six, wordsOf6);
  if (own !== "public") return own;
  const inner = embedded.find(([prefix, bits]) => isWithin(six, wordsOf6(prefix), bits));
  const [, , at = 6] = inner ?? [];
  return inner ? kindIn(blocks4, six.slice(at, at + 2), wordsOf4) : own;
}

type WordsOf = (text: string) => number[] | undefined;

function kindIn(blocks: readonly Block[], words: number[], wordsOf: WordsOf): AddressKind {
  const found = blocks.find(([address, bits]) => isWithin(words, wordsOf(address), bits));
  return found?.[2] ?? "public";
}

function isWithin(words: number[], prefix: number[] | undefined, bits: number): boolean {
  return words.every((word, i) => {
    const shift = 16 - Math.max(0, Math.min(16, bits - 16 * i));
    return word >> shift === (prefix?.[i] ?? 0) >> shift;
  });
}

/** Two words of 16 bits. */
function wordsOf4(text: string): number[] | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts?.every((part) => part < 256)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  return [a * 256 + b, c * 256 + d];
}

/** Eight words of 16 bits; the last two may be written as IPv4. */
function wordsOf6(text: string): number[] | undefined {
  const [, front = text, tail] = /^(.*:)([\d.]+\.[\d.]+)$/.exec(text) ?? [];
  const four = tail === undefined ? undefined : wordsOf4(tail);
  if (tail !== undefined && !four) return undefined;
  const whole = four ? front + four.map((word) => word.toString(16)).join(":") : text;
  const halves = whole.split("::");
  if (halves.length > 2) return undefined;
  const [left = [], right = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...left, ...Array<string>(Math.max(0, missing)).fill("0"), ...right];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
}
