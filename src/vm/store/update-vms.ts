import { isExpression, sql, type RawBuilder } from 'kysely';
import type { Trx } from '../../db/database.ts';
import type { VmUpdate } from './vm-change.ts';

export interface RowUpdate {
  readonly id: string;
  readonly columns: VmUpdate;
}

/** Their values are the texts of JSON. */
const JSON_COLUMNS: ReadonlySet<string> = new Set(['boot', 'last_failure']);

/**
 * Updates rows that the caller has locked. Those that get the same columns, by value or by the same expression, share a
 * statement: many VMs take the same step at a time.
 */
export async function updateVms(trx: Trx, updates: readonly RowUpdate[]): Promise<void> {
  const expressionOf = (value: unknown): RawBuilder<unknown> | undefined =>
    isExpression(value) ? (value as RawBuilder<unknown>) : undefined;
  const kindOf = ({ columns }: RowUpdate): string =>
    JSON.stringify(Object.entries(columns).map(([name, value]) => [name, expressionOf(value)?.compile(trx).sql]));
  for (const rows of Map.groupBy(updates, kindOf).values()) {
    const columns = Object.entries(rows[0]?.columns ?? {});
    const given = columns.filter(([, value]) => expressionOf(value) === undefined).map(([name]) => name);
    const set = columns.map(
      ([name, value]) => sql`${sql.ref(name)} = ${expressionOf(value) ?? sql.ref(`changed.${name}`)}`,
    );
    await sql`
      update vm set ${sql.join(set)} from (
        select ${sql.join(['id', ...given].map((name) => sql.ref(name)))}
        from jsonb_populate_recordset(null::vm, ${JSON.stringify(rows.map((row) => toRecord(row, given)))}::jsonb)
      ) changed
      where vm.id = changed.id
    `.execute(trx);
  }
}

function toRecord({ id, columns }: RowUpdate, given: readonly string[]): object {
  const values: Readonly<Record<string, unknown>> = { ...columns };
  const toValue = (name: string): unknown => {
    const value = values[name];
    return typeof value === 'string' && JSON_COLUMNS.has(name) ? JSON.parse(value) : value;
  };
  return { id, ...Object.fromEntries(given.map((name) => [name, toValue(name)])) };
}
