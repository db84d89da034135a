import { lexicographicSortSchema, printSchema } from 'graphql';
import { builder } from './builder.ts';
import './access.ts';
import './account/account.ts';
import './account/api-token.ts';
import './account/audit.ts';
import './catalog/distribution.ts';
import './catalog/plan.ts';
import './catalog/region.ts';
import './gateway.ts';
import './node/node-queries.ts';
import './operator/operated-accounts.ts';
import './operator/operated-vms.ts';
import './operator/operator-mutations.ts';
import './operator/orphans.ts';
import './networking/port.ts';
import './secret.ts';
import './networking/subdomain.ts';
import './vm/vm-event.ts';
import './vm/vm-history.ts';
import './vm/vm-mutations.ts';
import './vm/vm-queries.ts';
import './vm/vm-exec.ts';
import './vm/vm-telemetry.ts';

export const schema = builder.toSchema();

/** The text of schema.graphql, sorted to keep diffs small. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
