/** The path of a request target, unchanged. Never throws, not even for targets such as `//` that are not URLs. */
export function pathOf(target = '/'): string {
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}
