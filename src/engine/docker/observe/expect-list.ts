/**
 * The list that an engine answered with; null stands for an empty one. Throws a TypeError for anything else: what is
 * not understood (the client hands out bytes that are no JSON as a Buffer) must never read as "there is nothing".
 */
export function expectList<T>(answer: readonly T[] | null | undefined): readonly T[] {
  if (answer === null) return [];
  if (!Array.isArray(answer)) throw new TypeError('its answer holds no list.');
  return answer;
}
