import { headerTraits } from './header-traits.ts';

const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether it stays where it is put: no end of a line in it, nor what some take for one. */
export function isHeaderValue(text: string): boolean {
  return VALUE.test(text);
}

/** The headers in these lines of latin1, flat and as they came, without the blanks around a value; undefined when one of them is no header. */
export function parseHeaderLines(text: string): string[] | undefined {
  const headers: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = endOfLine(text, start);
    const colon = text.indexOf(':', start);
    if (colon === -1 || colon >= end) return undefined;
    const name = text.slice(start, colon);
    const value = withoutBlanks(text, colon + 1, end);
    if (!headerTraits(name).isToken || !isHeaderValue(value)) return undefined;
    headers.push(name, value);
    start = end + 2;
  }
  return headers;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end === -1 ? text.length : end;
}

function withoutBlanks(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
