const MOST = 80;

/** As it was typed, but short, and with control characters escaped: it is printed. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MOST ? `${text.slice(0, MOST - 3)}...` : text);
}

/** The same, with quotes only where a shell would need them. */
export function shown(text: string): string {
  return /^[\w.=:+-]{1,80}$/.test(text) ? text : quoted(text);
}
