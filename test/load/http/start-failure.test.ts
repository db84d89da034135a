import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createTestGateway } from '../../support/gateway/gateway.ts';

it('a gateway whose port is taken reports that, and releases what it has started', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  try {
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(createTestGateway({ env: { PORT: String(port) } })).rejects.toThrow('EADDRINUSE');
  } finally {
    other.close();
  }
});
