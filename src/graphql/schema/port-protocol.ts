import { builder } from './builder.ts';

/** Used by forwards and the catalog. */
export const PortProtocol = builder.enumType('PortProtocol', {
  description: 'The transport protocol of a port.',
  values: {
    TCP: { value: 'tcp', description: 'TCP.' },
    UDP: { value: 'udp', description: 'UDP.' },
  } as const,
});
