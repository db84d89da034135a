import type { Catalog } from './catalog.ts';
import type { Plan } from './plan.ts';

/** The catalog's plan of this code; undefined if it has none. */
export function knownPlan(catalog: Catalog, code: string | null | undefined): Plan | undefined {
  return code == null ? undefined : catalog.plans.get(code);
}

/** The first of these plans that the catalog has: the operator's, the token's, the account's, the default one. */
export function planOf(
  catalog: Catalog,
  {
    byOperator,
    byToken,
    own,
  }: {
    readonly byOperator: string | null | undefined;
    readonly byToken: string | undefined;
    readonly own: string | null | undefined;
  },
): Plan {
  return (
    knownPlan(catalog, byOperator) ?? knownPlan(catalog, byToken) ?? knownPlan(catalog, own) ?? catalog.defaultPlan
  );
}
