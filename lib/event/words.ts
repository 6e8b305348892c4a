import type { Fault } from "../cloud/faults.ts";
import type { Time } from "../cloud/schema.ts";

/** `2026-11-21 02:41:30 UTC`. */
export function day(time: Time): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/** `02:41:30`; of another day than `now`, with it. */
export function clock(time: Time, now: Time): string {
  return time.slice(0, 10) === now.slice(0, 10) ? time.slice(11, 19) : day(time);
}

/** What a fault says, at which host: `heat.example:8004: the connection was refused`. */
export function faultText({ message }: Fault): string {
  return hosts(message).replace(/\.$/, "");
}

/** A text with requests as the hosts that they went to. */
export function hosts(text: string): string {
  return text.replace(/\b[A-Z]+ https?:\/\/([^\s/:]+(?::\d+)?)\S*: /g, "$1: ");
}

/** A text with the times and requests in it as a person reads them. */
export function readable(text: string, now: Time): string {
  return hosts(text).replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (time) => clock(time, now));
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}

/** `1 miss`, `3 misses`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** `40 s`, `10 min`. */
export function duration(ms: number): string {
  return ms >= 120_000 && ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}
