/** A column while its width is sought: whole, wrapped at blanks only, and as narrow as it may get. */
type Column = { whole: number; word: number; floor: number };

/** A word of prose is broken, where it must be, before a name, a number or a time is. */
const PROSE_FLOOR = 8;

/**
 * The widths at which columns of cells fit into `room`, their frame left out: all that they want where
 * there is room for it; else each at least its longest word, and more by how much it lacks; else words
 * are broken too, those of prose first. Only with less room than columns they do not fit.
 */
export function widthsIn(room: number, columns: string[][]): number[] {
  const wanted = columns.map(columnOf);
  const whole = wanted.map((column) => column.whole);
  if (sum(whole) <= room) return whole;
  const words = broken(wanted, room);
  const lacking = whole.map((width, i) => width - (words[i] ?? 0));
  const spare = Math.max(0, room - sum(words));
  const dealt = words.map(
    (word, i) => word + Math.floor((spare * (lacking[i] ?? 0)) / Math.max(1, sum(lacking))),
  );
  const used = dealt.map((width, i) => longest((columns[i] ?? []).flatMap((t) => wrap(t, width))));
  const widest = whole.indexOf(Math.max(...whole));
  const left = Math.max(0, room - sum(used));
  return used.map((width, i) =>
    i === widest ? Math.min(width + left, Math.max(width, whole[i] ?? 0)) : width,
  );
}

/** Lines of at most `width`: broken at blanks where it can be, within words where it must. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const at = breakOf(rest, Math.max(1, width));
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

/** The times of a text as a narrow table has room for: month, day and time of day, in UTC. */
export function shortTimes(text: string): string {
  return text.replace(/\b\d{4}-(\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z/g, "$1 $2");
}

function columnOf(cells: string[]): Column {
  const words = cells.map((cell) => cell.split(" ").flatMap((word) => parts(word)));
  const word = longest(words.flat());
  const isProse = words.some((parted) => parted.length > 2);
  return { whole: longest(cells), word, floor: isProse ? Math.min(word, PROSE_FLOOR) : word };
}

/** The widths of words, less what there is no room for. */
function broken(wanted: Column[], room: number): number[] {
  const prose = lowered(
    wanted.map(({ word }) => word),
    wanted.map(({ floor }) => floor),
    room,
  );
  return lowered(
    prose,
    prose.map(() => 1),
    room,
  );
}

/** Takes from the widest, one by one, none below its floor. */
function lowered(widths: number[], floors: number[], room: number): number[] {
  const low = widths.map((width, i) => Math.min(width, Math.max(room, floors[i] ?? 1)));
  for (let over = sum(low) - room; over > 0; over -= 1) {
    const spare = low.map((width, i) => (width > (floors[i] ?? 1) ? width : 0));
    const most = Math.max(...spare);
    if (most === 0) break;
    low[spare.indexOf(most)] = most - 1;
  }
  return low;
}

/** Where the first line of a text that is too long ends. */
function breakOf(text: string, width: number): number {
  const blank = text.lastIndexOf(" ", width);
  if (blank > 0) return blank;
  const [first = ""] = text.split(" ", 1);
  const fitting = parts(first).reduce(
    (end, part) => (end + part.length <= width ? end + part.length : end),
    0,
  );
  return fitting > 0 && fitting < first.length ? fitting : width;
}

/** A word, but for Heat's: `UPDATE_IN_PROGRESS` may be broken after each `_`. */
function parts(word: string): string[] {
  return /^[A-Z]+(_[A-Z]+)+$/.test(word) ? word.split(/(?<=_)/) : [word];
}

/** The length of the longest of some texts, at least 1. */
export function longest(texts: string[]): number {
  return texts.reduce((most, text) => Math.max(most, text.length), 1);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
