/** An address of the API as the target of a link; undefined unless it is one of the web. */
export function safeUrl(url: string): string | undefined {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? url : undefined;
}
