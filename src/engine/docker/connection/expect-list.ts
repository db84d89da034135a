/**
 * The list in an engine's answer; null means an empty one. Throws a TypeError for anything else (for bytes that are not
 * JSON, the client returns a Buffer): an unclear answer must never count as an empty list.
 */
export function expectList<T>(answer: readonly T[] | null | undefined): readonly T[] {
  if (answer === null) return [];
  if (!Array.isArray(answer)) throw new TypeError('its answer is no list.');
  return answer;
}
