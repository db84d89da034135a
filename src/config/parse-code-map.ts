import { splitList } from '../lib/split-list.ts';

const CODE = /^[A-Z0-9-]{1,16}$/i;

export interface CodeMapOptions {
  /** Where the text comes from, for the error. */
  readonly variable: string;
  readonly value: RegExp;
  /** The form of an entry, for the error: 'CODE=RUNTIME, such as AU=runsc'. */
  readonly example: string;
}

/** A list such as `AU=a,US=b`, by code. Throws naming the entry that is none, or the code that is there twice. */
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
