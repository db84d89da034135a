import { badInput } from '../errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The body as a JSON object; BAD_USER_INPUT for anything else, with where the parser stopped but not what it read. */
export function parseJsonObject(body: Buffer | string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(typeof body === 'string' ? body : decodeText(body));
  } catch {
    throw badInput([{ path: 'body', message: 'is not JSON in UTF-8.' }]);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badInput([{ path: 'body', message: 'must be a JSON object.' }]);
  }
  return value as JsonObject;
}

/** The text of a body; BAD_USER_INPUT when it is not UTF-8. */
export function decodeText(body: Buffer): string {
  try {
    return UTF_8.decode(body);
  } catch {
    throw badInput([{ path: 'body', message: 'is not JSON in UTF-8.' }]);
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/** The value where it is a text; the operation has checked it before a reply repeats it. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
