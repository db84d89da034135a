import pg from 'pg';

/** One statement over a connection of its own. */
export async function executeSql(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, query_timeout: 30_000 });
  await client.connect();
  return client.query(sql).finally(() => client.end());
}

/** The same server's address of another database. */
export function urlOfDatabase(url: string, database: string): string {
  return Object.assign(new URL(url), { pathname: `/${database}` }).href;
}
