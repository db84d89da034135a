/** The environment of a gateway in production, with every limit at its default. */
export const PRODUCTION_ENV = {
  NODE_ENV: 'production',
  INTROSPECTION: '1',
  BASE_DOMAIN: 'swiftor.io',
  RATE_PER_ACCOUNT: '100',
  RATE_PER_ADDRESS: '300',
  SOCKETS_PER_ACCOUNT: '10',
  SUBSCRIPTIONS_PER_SOCKET: '50',
  CONNECTIONS_PER_ADDRESS: '2000',
} as const;
