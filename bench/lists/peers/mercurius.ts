import Fastify from 'fastify';
import mercurius from 'mercurius';
import pg from 'pg';
import { verifyToken } from '../verify-token.ts';
import { FIELDS, readMappings, readVms, TYPES, type VmRow } from './account-lists.ts';

/** Fastify with mercurius, its JIT and its loaders. */
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });
const app = Fastify();
await app.register(mercurius, {
  schema: TYPES,
  resolvers: {
    ...FIELDS,
    Query: {
      vms: async (_root: unknown, _args: unknown, context: unknown) => ({
        nodes: await readVms(pool, (context as { userId: string }).userId),
      }),
    },
  },
  loaders: {
    Vm: {
      networking: async (queries: { obj: VmRow }[]) =>
        readMappings(
          pool,
          queries.map(({ obj }) => obj.id),
        ),
    },
  },
  context: (request: { headers: { authorization?: string } }) => ({
    userId: verifyToken(request.headers.authorization, process.env['JWT_SECRET'] ?? ''),
  }),
  jit: 1,
});
await app.listen({ port: 0, host: '127.0.0.1' });
process.send?.({ port: app.addresses()[0]?.port });
process.once('disconnect', () => process.exit());
