import { splitList } from '../lib/split-list.ts';

const CODE = /^[A-Z0-9-]{1,16}$/i;

export interface CodeMapOptions {
  /** The name of the setting, for errors. */
  readonly variable: string;
  readonly value: RegExp;
  /** The form of an entry, for errors: 'CODE=RUNTIME, such as AU=runsc'. */
  readonly example: string;
}

/** Parses a list such as `AU=a,US=b`. Throws an error that names an invalid entry or a duplicate code. */
export function parseCodeMap(text: string, { variable, value, example }: CodeMapOptions): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const entry of splitList(text)) {
    const at = entry.indexOf('=');
    const [code, rest] = [entry.slice(0, Math.max(0, at)), entry.slice(at + 1)];
    if (!CODE.test(code) || !value.test(rest)) throw new Error(`${variable} has "${entry}"; each entry is ${example}.`);
    if (map.has(code)) throw new Error(`${variable} names "${code}" twice.`);
    map.set(code, rest);
  }
  return map;
}
