import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import DataLoader from 'dataloader';
import pg from 'pg';
import { verifyToken } from '../verify-token.ts';
import { FIELDS, readMappings, readVms, TYPES, type MappingRow, type VmRow } from './account-lists.ts';

/** Apollo Server's standalone server with a data loader, as its guide has it. */
interface Context {
  readonly userId: string;
  readonly mappings: DataLoader<string, MappingRow[]>;
}

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });
const server = new ApolloServer<Context>({
  typeDefs: TYPES,
  resolvers: {
    ...FIELDS,
    Query: {
      vms: async (_root: unknown, _args: unknown, { userId }: Context) => ({ nodes: await readVms(pool, userId) }),
    },
    Vm: { ...FIELDS.Vm, networking: ({ id }: VmRow, _args: unknown, { mappings }: Context) => mappings.load(id) },
  },
});
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: '127.0.0.1' },
  context: async ({ req }) => ({
    userId: verifyToken(req.headers.authorization, process.env['JWT_SECRET'] ?? ''),
    mappings: new DataLoader((ids: readonly string[]) => readMappings(pool, ids)),
  }),
});
process.send?.({ port: Number(new URL(url).port) });
process.once('disconnect', () => process.exit());
