/** The path of a request's target, as it was sent. Never throws: a target such as `//` is no URL, and still a request. */
export function pathOf(target = '/'): string {
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}
