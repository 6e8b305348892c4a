/** ` Did you mean X?` for the known word nearest to a mistyped one; nothing when none is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({ candidate, edits: edits(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits);
  const begins = known.filter((candidate) => word.length > 1 && candidate.startsWith(word));
  const [best = begins.length === 1 ? begins[0] : undefined] = near.map((one) => one.candidate);
  return best === undefined ? "" : ` Did you mean ${best}?`;
}

/** Levenshtein's distance, a transposition counting as one. */
function edits(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const row = [at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same];
      rows[i]?.push(Math.min(...row, swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY));
    }
  }
  return at(a.length, b.length);
}
