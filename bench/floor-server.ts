import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

/**
 * The floor of the lists: node:http and a prepared statement whose JSON PostgreSQL builds, for one account, without a
 * token, router or resolver. The bench forks it with DATABASE_URL and USER_ID. It reports its port and ends with the
 * bench.
 */
const VM = `'id', vm.id, 'vmlabel', vmlabel, 'region', region, 'os', json_build_object('distribution', distribution, 'desktop', desktop),
  'specs', json_build_object('cpu', cpu, 'ram', ram_gb, 'storage', persistent), 'enabled', enabled`;
const MAPPINGS = `(
  select coalesce(json_agg(json_build_object('name', m.name, 'internalPort', m.internal_port) order by m.name), '[]')
  from vm_mapping m where m.vm_id = vm.id
)`;
const STATEMENTS: Readonly<Record<string, string>> = {
  '/vms': `select json_build_object('vms', json_agg(json_build_object(${VM}) order by number))::text as body from vm where user_id = $1`,
  '/graphql': `select json_build_object('data', json_build_object('vms', json_build_object('nodes',
    json_agg(json_build_object(${VM}, 'networking', ${MAPPINGS}) order by number))))::text as body from vm where user_id = $1`,
};

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });
const server = createServer((request, reply) => {
  const path = request.url ?? '';
  const text = STATEMENTS[path];
  if (text === undefined) return void reply.writeHead(404).end();
  request.resume();
  pool.query<{ body: string }>({ name: path, text, values: [process.env['USER_ID']] }).then(
    ({ rows }) => {
      const body = rows[0]?.body ?? '';
      reply.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
    },
    (error: unknown) => reply.writeHead(500).end(String(error)),
  );
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.once('disconnect', () => process.exit());
