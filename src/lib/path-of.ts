/** The path of a request's target, as it was sent. Never throws: a target such as `//` is no URL, and still a request. */
export function pathOf(target: string | undefined): string {
  return (target ?? '/').split(/[?#]/, 1)[0] ?? '/';
}
