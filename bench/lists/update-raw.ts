import type pg from 'pg';

const STATEMENTS = {
  account: 'update account set event_seq = event_seq + 1 where user_id = $1 returning event_seq',
  lock: 'select id, vmlabel, status from vm where id = $1 and user_id = $2 for update',
  update: 'update vm set vmlabel = $2, last_event_seq = $3 where id = $1 returning id, vmlabel',
  event: `insert into vm_event (user_id, seq, vm_id, kind, status, previous_status, reason)
    values ($1, $2, $3, 'CHANGED', $4, $4, 'USER')`,
  notify: `select pg_notify('vm_event', json_build_array($1::text, $2::text)::text)`,
  audit: `insert into audit (user_id, actor, address, action, vm_id, vmlabel, details)
    values ($1, $1, '127.0.0.1', 'VM_UPDATED', $2, $3, $4)`,
} as const;

/** The transaction of updateVm with prepared statements and nothing else; its answer is that of the mutation. */
export async function updateRaw(
  pool: pg.Pool,
  userId: string,
  { id, vmlabel }: { readonly id: string; readonly vmlabel: string },
): Promise<string> {
  const client = await pool.connect();
  const run = async <T>(name: keyof typeof STATEMENTS, values: readonly unknown[]): Promise<T | undefined> => {
    const { rows } = await client.query({ name, text: STATEMENTS[name], values: [...values] });
    return rows[0] as T | undefined;
  };
  try {
    await client.query('begin');
    const account = await run<{ event_seq: string }>('account', [userId]);
    const vm = await run<{ vmlabel: string; status: string }>('lock', [id, userId]);
    const after = await run('update', [id, vmlabel, account?.event_seq]);
    await run('event', [userId, account?.event_seq, id, vm?.status]);
    await run('notify', [userId, id]);
    await run('audit', [userId, id, vm?.vmlabel, JSON.stringify({ vmlabel })]);
    await client.query('commit');
    client.release();
    return JSON.stringify({ data: { updateVm: after } });
  } catch (error) {
    // Not back to the pool, where the next update would begin within this transaction.
    client.release(true);
    throw error;
  }
}
