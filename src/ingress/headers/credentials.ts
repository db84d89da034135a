/** What signs a request in to an app. Secret: never log it. */
export type Credentials =
  | { readonly kind: 'basic'; readonly authorization: string }
  | { readonly kind: 'cookie'; readonly name: string; readonly value: string };

/**
 * Request headers (a flat list) with the credentials. An Authorization of the client's own stays, alone: it is between
 * the client and the app. A cookie of the same name gives way: it is from an earlier sign-in.
 */
export function withCredentials(headers: readonly string[], credentials: Credentials): string[] {
  if (credentials.kind === 'basic') {
    const isOwn = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'authorization');
    return isOwn ? [...headers] : [...headers, 'Authorization', credentials.authorization];
  }
  const { name, value } = credentials;
  const others: string[] = [];
  const pairs: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [header = '', text = ''] = headers.slice(at, at + 2);
    if (header.toLowerCase() === 'cookie') pairs.push(...text.split(';').map((pair) => pair.trim()));
    else others.push(header, text);
  }
  const kept = pairs.filter((pair) => pair !== '' && pair.split('=')[0]?.trim() !== name);
  return [...others, 'Cookie', [...kept, `${name}=${value}`].join('; ')];
}
