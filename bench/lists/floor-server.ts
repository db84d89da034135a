import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { updateRaw } from './update-raw.ts';
import { verifyToken } from './verify-token.ts';

/**
 * The floor of the lists: node:http, a JWT check, and one prepared statement whose JSON PostgreSQL builds; for the
 * mutation, the same transaction. The bench forks it with DATABASE_URL and JWT_SECRET. It reports its port and ends
 * with the bench.
 */
const OS = `'os', json_build_object('distribution', distribution, 'desktop', desktop)`;
const SPECS = `'specs', json_build_object('cpu', cpu, 'ram', ram_gb, 'storage', persistent)`;
const VM = `'id', vm.id, 'vmlabel', vmlabel, 'region', region, ${OS}, ${SPECS}, 'enabled', enabled`;
const MAPPINGS = `(
  select coalesce(json_agg(json_build_object('name', m.name, 'internalPort', m.internal_port) order by m.name), '[]')
  from vm_mapping m where m.vm_id = vm.id
)`;
const CURSOR = `translate(encode(convert_to('vm:' || number, 'UTF8'), 'base64'), '+/=', '-_')`;
const EDGE = `json_build_object('cursor', ${CURSOR}, 'node', json_build_object(${VM}, 'networking', ${MAPPINGS}))`;
const PAGE_INFO = `json_build_object('hasNextPage', false, 'endCursor', (array_agg(${CURSOR} order by number))[count(*)])`;
const STATEMENTS: Readonly<Record<string, string>> = {
  '/vms': `select json_build_object('vms', json_agg(json_build_object(${VM}) order by number))::text as body
    from (select * from vm where user_id = $1 order by number limit 101) vm`,
  '/list': `select json_build_object('data', json_build_object('vms', json_build_object('nodes',
    json_agg(json_build_object(${VM}, 'networking', ${MAPPINGS}) order by number))))::text as body
    from (select * from vm where user_id = $1 order by number limit 51) vm`,
  '/connection': `select json_build_object('data', json_build_object('vms', json_build_object(
    'edges', json_agg(${EDGE} order by number), 'pageInfo', ${PAGE_INFO},
    'totalCount', (select count(*) from vm where user_id = $1))))::text as body
    from (select * from vm where user_id = $1 order by number limit 51) vm`,
};

const { DATABASE_URL: connectionString, JWT_SECRET: secret = '' } = process.env;
const pool = new pg.Pool({ connectionString });

async function answer(request: IncomingMessage): Promise<string> {
  const { url: path = '', headers } = request;
  const body = await text(request);
  const userId = verifyToken(headers.authorization, secret);
  if (path === '/update') return updateRaw(pool, userId, (JSON.parse(body) as UpdateRequest).variables.input);
  const { rows } = await pool.query<{ body: string }>({ name: path, text: STATEMENTS[path] ?? '', values: [userId] });
  return rows[0]?.body ?? '';
}

interface UpdateRequest {
  readonly variables: { readonly input: { readonly id: string; readonly vmlabel: string } };
}

const server = createServer((request, reply) => {
  answer(request).then(
    (body) =>
      reply.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body),
    (error: unknown) => reply.writeHead(500).end(String(error)),
  );
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.once('disconnect', () => process.exit());
