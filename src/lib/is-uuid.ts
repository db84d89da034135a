const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Checks an id before it reaches the database, which rejects any other text. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The nil UUID of RFC 9562, which no VM has. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';
