/**
 * What kind of place an address is: `never` is where a machine keeps its own credentials, or what
 * is no place to serve anything (link-local, metadata, multicast, unspecified); `private` is this
 * machine or its own network.
 */
export type AddressKind = "public" | "private" | "never";

type Block = readonly [address: string, bits: number, kind: AddressKind];

/** Where a machine gets its own credentials, and what else is only for it. */
const metadata4: readonly Block[] = [
  ["169.254.0.0", 16, "never"],
  ["100.100.100.200", 32, "never"],
  ["192.0.0.192", 32, "never"],
  ["168.63.129.16", 32, "never"],
];
/** The narrower go first. */
const blocks4: readonly Block[] = [
  ...metadata4,
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
/** The metadata services of the large providers stand amid the addresses that networks choose for themselves. */
const blocks6: readonly Block[] = [
  // AWS: instance metadata at ::254, EKS Pod Identity at ::23, DNS at ::253, time at ::123
  // (whitepaper "IPv6 on AWS", supporting services; EKS user guide, Pod Identity Agent).
  ["fd00:ec2::", 32, "never"],
  // Google Compute Engine, machines without IPv4 ("View and query VM metadata").
  ["fd20:ce::254", 128, "never"],
  // Scaleway, Akamai, Alibaba Cloud: cloud-init's data sources of those names. Oracle: its Python SDK.
  ["fd00:42::42", 128, "never"],
  ["fd00:a9fe:a9fe::1", 128, "never"],
  ["fd00:100::100:200", 128, "never"],
  ["fd00:c1::a9fe:a9fe", 128, "never"],
  ["fe80::", 10, "never"],
  ["ff00::", 8, "never"],
  ["::", 128, "never"],
  ["2001::", 32, "never"],
  ["64:ff9b:1::", 48, "private"],
  ["::1", 128, "private"],
  ["fc00::", 7, "private"],
  ["fec0::", 10, "private"],
];
type Form = readonly [prefix: string, bits: number, at: readonly number[]];

/** The bytes of an IPv6 address where an IPv4 one stands: mapped, compatible, translated, NAT64, 6to4. */
const embedded: readonly Form[] = [
  ["::ffff:0:0", 96, [12, 13, 14, 15]],
  ["::", 96, [12, 13, 14, 15]],
  ["::ffff:0:0:0", 96, [12, 13, 14, 15]],
  ["64:ff9b::", 96, [12, 13, 14, 15]],
  ["2002::", 16, [2, 3, 4, 5]],
];
/**
 * NAT64 of a network's own (RFC 8215). Which form of RFC 6052 section 2.2 its addresses have only its
 * operator knows, so that none of them may come to a metadata service; else they are private ones.
 */
const ownTranslation: readonly Form[] = [
  ["64:ff9b:1::", 48, [6, 7, 9, 10]],
  ["64:ff9b:1::", 48, [7, 9, 10, 11]],
  ["64:ff9b:1::", 48, [9, 10, 11, 12]],
  ["64:ff9b:1::", 48, [12, 13, 14, 15]],
];

/** The kind of an IPv4 or IPv6 address, however it is written; undefined: it is none. */
export function addressKind(text: string): AddressKind | undefined {
  const bare = text.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const four = wordsOf4(bare);
  if (four) return kindIn(blocks4, four, wordsOf4);
  const six = wordsOf6(bare);
  if (!six) return undefined;
  if (
    innerOf(six, ownTranslation).some((inner) => kindIn(metadata4, inner, wordsOf4) === "never")
  ) {
    return "never";
  }
  const own = kindIn(blocks6, six, wordsOf6);
  const [inner] = innerOf(six, embedded);
  return own === "public" && inner ? kindIn(blocks4, inner, wordsOf4) : own;
}

/** The IPv4 addresses that stand in an IPv6 one, by each of these forms that it has. */
function innerOf(six: number[], forms: readonly Form[]): number[][] {
  const bytes = six.flatMap((word) => [word >> 8, word & 255]);
  return forms.flatMap(([prefix, bits, at]) => {
    if (!isWithin(six, wordsOf6(prefix), bits)) return [];
    const [a = 0, b = 0, c = 0, d = 0] = at.map((index) => bytes[index]);
    return [[a * 256 + b, c * 256 + d]];
  });
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
