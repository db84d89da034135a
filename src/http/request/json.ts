import { badInput } from '../../errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses a JSON object; BAD_USER_INPUT for anything else. The error never quotes the text. */
export function parseJsonObject(json: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw badInput([{ path: 'body', message: 'is not JSON in UTF-8.' }]);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badInput([{ path: 'body', message: 'must be a JSON object.' }]);
  }
  return value as JsonObject;
}

/** Decodes a body; BAD_USER_INPUT unless it is UTF-8. */
export function decodeText(body: Buffer): string {
  try {
    return UTF_8.decode(body);
  } catch {
    throw badInput([{ path: 'body', message: 'is not JSON in UTF-8.' }]);
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/** A string as it is, '' for any other value. For replies that repeat input which the operation has already checked. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
