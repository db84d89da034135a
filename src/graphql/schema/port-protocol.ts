import { builder } from './builder.ts';

/** Shared by forwards and the catalog. */
export const PortProtocol = builder.enumType('PortProtocol', {
  description: 'What a port carries.',
  values: {
    TCP: { value: 'tcp', description: 'Connections.' },
    UDP: { value: 'udp', description: 'Datagrams.' },
  } as const,
});
