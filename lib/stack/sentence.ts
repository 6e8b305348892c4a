/** Several sentences as one: `a; b.`, whichever of them end with a full stop. */
export function sentence(texts: readonly string[]): string {
  const last = texts.length - 1;
  return texts.map((text, i) => (i < last ? text.replace(/\.$/, "") : text)).join("; ");
}
