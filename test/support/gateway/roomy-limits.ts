/**
 * For a gateway whose clients all come from one address and ask faster than people do, and that is not tested for its
 * limits.
 */
export const ROOMY_LIMITS = {
  RATE_PER_ACCOUNT: '100000',
  RATE_PER_ADDRESS: '100000',
  SOCKETS_PER_ACCOUNT: '10000',
  CONNECTIONS_PER_ADDRESS: '100000',
} as const;
