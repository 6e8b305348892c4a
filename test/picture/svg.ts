const WIDTH = 8.4;
const HEIGHT = 19;
const MARGIN = 18;

const paints: Record<string, string> = {
  "1": 'font-weight="700"',
  "2": 'fill="#8b949e"',
  "31": 'fill="#ff7b72"',
  "32": 'fill="#7ee787"',
  "33": 'fill="#e3b341"',
};

/** What a terminal of so many columns shows, colours included, as an SVG; a line that begins with `$ ` is what was typed. */
export function svgOf(text: string, columns: number, title: string): string {
  const lines = text.replaceAll("\r", "").trimEnd().split("\n");
  const width = Math.ceil(columns * WIDTH + 2 * MARGIN);
  const height = lines.length * HEIGHT + 2 * MARGIN;
  const body = lines.map((line, i) => lineOf(line, MARGIN + (i + 1) * HEIGHT - 5)).join("");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">`,
    `<title>${title}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    `${body}</svg>\n`,
  ].join("\n");
}

function lineOf(line: string, y: number): string {
  if (line.startsWith("$ ")) return span(line, 0, y, 'fill="#79c0ff" font-weight="700"');
  let column = 0;
  let paint = "";
  let spans = "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  for (const part of line.split(/(\u001b\[[\d;]*[A-Za-z])/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    const [, code] = /^\u001b\[([\d;]*)m$/.exec(part) ?? [];
    if (code !== undefined) paint = paints[code] ?? "";
    else if (!part.startsWith("\u001b")) {
      spans += span(part, column, y, paint);
      column += part.length;
    }
  }
  return spans;
}

/** `textLength` keeps the columns where they are, whatever font there is. */
function span(text: string, column: number, y: number, paint: string): string {
  if (text.trim() === "") return "";
  const x = (MARGIN + column * WIDTH).toFixed(1);
  const length = (text.length * WIDTH).toFixed(1);
  // Browsers make one space of several.
  const wide = text.replaceAll(" ", "\u00a0");
  const escaped = wide.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<text x="${x}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs" ${paint}>${escaped}</text>\n`;
}
