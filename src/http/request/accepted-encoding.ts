/** How a body is compressed. */
export type Encoding = 'br' | 'gzip' | 'identity';

/**
 * The smallest encoding that there is and that an Accept-Encoding header allows. Weights are read only for a refusal
 * (`q=0`): browsers give none.
 */
export function acceptedEncoding(
  header: string | readonly string[] | undefined,
  has: (name: Encoding) => boolean,
): Encoding {
  const offers = String(header ?? '')
    .toLowerCase()
    .split(',')
    .filter((offer) => !/;\s*q=0(\.0*)?\s*$/.test(offer))
    .map((offer) => offer.split(';')[0]?.trim());
  return (['br', 'gzip'] as const).find((name) => has(name) && offers.includes(name)) ?? 'identity';
}
