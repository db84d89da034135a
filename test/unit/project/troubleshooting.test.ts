import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { httpStatusOf, type ErrorCode } from '../../../src/errors.ts';
import { FAILURE_CODES } from '../../../src/vm/failure-code.ts';

const PAGE = readFileSync(path.join(import.meta.dirname, '../../../docs/troubleshooting.md'), 'utf8');
/** The cells of the page's rows by their first cell, where that is a code. */
const ROWS = new Map(
  [...PAGE.matchAll(/^\| `([A-Z_]+)` \|(.*)\|$/gm)].map(([, code = '', rest = '']) => [
    code,
    rest.split('|').map((cell) => cell.trim()),
  ]),
);

it.each(Object.keys(FAILURE_CODES))('the page says what to do about the failure %s', (code) => {
  const [cause = '', owner = ''] = ROWS.get(code) ?? [];
  expect([cause, owner].every((cell) => cell.length > 3)).toBe(true);
});

it('the page has every error code of the API with its status', () => {
  const schema = readFileSync(path.join(import.meta.dirname, '../../../src/errors.ts'), 'utf8');
  const codes = [...schema.matchAll(/^ {2}([A-Z_]+): \{/gm)].map(([, code]) => code as ErrorCode);
  expect(codes.length).toBeGreaterThan(9);
  expect(codes.map((code) => [code, ROWS.get(code)?.[0]])).toEqual(
    codes.map((code) => [code, String(httpStatusOf(code))]),
  );
});
