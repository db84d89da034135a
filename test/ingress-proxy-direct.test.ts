import { ways } from './support/ingress.ts';

// All that holds for requests through Node's server holds for those that come past it.
ways.direct = true;
await import('./ingress-proxy.test.ts');
