const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whatever is no UUID is the id of nothing: it never reaches the database. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
