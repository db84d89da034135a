import Fastify from 'fastify';
import pg from 'pg';
import { verifyToken } from '../verify-token.ts';
import { readVms } from './account-lists.ts';

/** A REST route of Fastify with a response schema, over one prepared statement. */
const string = { type: 'string' } as const;
const integer = { type: 'integer' } as const;
const boolean = { type: 'boolean' } as const;
const object = (properties: object) => ({ type: 'object', properties }) as const;
const vm = object({
  id: string,
  vmlabel: string,
  region: string,
  os: object({ distribution: string, desktop: { type: ['string', 'null'] } }),
  specs: object({ cpu: integer, ram: integer, storage: boolean }),
  enabled: boolean,
});
const schema = { response: { 200: object({ vms: { type: 'array', items: vm } }) } };

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });
const app = Fastify();
app.get('/vms', { schema }, async ({ headers }) => {
  const rows = await readVms(pool, verifyToken(headers.authorization, process.env['JWT_SECRET'] ?? ''));
  return {
    vms: rows.map(({ distribution, desktop, cpu, ram_gb: ram, persistent: storage, ...rest }) => ({
      ...rest,
      os: { distribution, desktop },
      specs: { cpu, ram, storage },
    })),
  };
});
await app.listen({ port: 0, host: '127.0.0.1' });
process.send?.({ port: app.addresses()[0]?.port });
process.once('disconnect', () => process.exit());
