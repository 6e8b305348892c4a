import type { CloudName, CloudOrders, Verdict } from "./schema.ts";

/** Letters of one mark: two texts have the same one once in 1.6 million. */
const LETTERS = 4;

/**
 * A short mark for each of these clouds, by name, of what is said of it: STATUS keeps it, so that the
 * tick sees whether anything moved since, at a few bytes a cloud.
 */
export function marksOf(
  clouds: readonly CloudName[],
  textOf: (cloud: CloudName) => string,
): string {
  return [...clouds]
    .sort()
    .map((cloud) => mark(textOf(cloud)))
    .join("");
}

/** Whether the mark that was kept of one of these clouds is of this text. */
export function hasMark(
  marks: string,
  clouds: readonly CloudName[],
  cloud: CloudName,
  text: string,
): boolean {
  const at = [...clouds].sort().indexOf(cloud) * LETTERS;
  return marks.slice(at, at + LETTERS) === mark(text);
}

/** What moves when the verdict on a cloud, or a person's order for it, does. */
export function saidOf(verdict: Verdict | undefined, orders: CloudOrders | undefined): string {
  return `${verdict?.at ?? ""} ${orders?.at ?? ""}`;
}

/** FNV-1a in base 36. */
function mark(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return (hash % 36 ** LETTERS).toString(36).padStart(LETTERS, "0");
}
