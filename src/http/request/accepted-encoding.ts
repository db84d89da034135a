import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';

/** How a body is compressed, the smallest first. */
const ENCODINGS = ['br', 'gzip', 'identity'] as const;

export type Encoding = (typeof ENCODINGS)[number];

/** The smallest encoding that the client accepts and that there is: browsers accept several and prefer none. */
export function acceptedEncoding(
  { headers }: Pick<IncomingMessage, 'headers'>,
  has: (encoding: Encoding) => boolean,
): Encoding {
  const accepted = new Negotiator({ headers }).encodings(ENCODINGS);
  return ENCODINGS.find((encoding) => has(encoding) && accepted.includes(encoding)) ?? 'identity';
}
