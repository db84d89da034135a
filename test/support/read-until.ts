/** What a stream says until it is enough, or ends; then it is left. */
export async function readUntil(response: Response, isEnough: (seen: string) => boolean): Promise<string> {
  let seen = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    seen += chunk;
    if (isEnough(seen)) break;
  }
  return seen;
}
