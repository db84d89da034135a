import { DATABASE_NEMESES } from './database-nemeses.ts';
import { ENGINE_NEMESES } from './engine-nemeses.ts';
import { GATEWAY_NEMESES } from './gateway-nemeses.ts';
import type { Nemesis } from './nemesis.ts';
import { USER_NEMESES } from './user-nemeses.ts';

/** Every fault by its name. */
export const NEMESES: ReadonlyMap<string, Nemesis> = new Map(
  [...GATEWAY_NEMESES, ...ENGINE_NEMESES, ...DATABASE_NEMESES, ...USER_NEMESES].map((nemesis) => [
    nemesis.name,
    nemesis,
  ]),
);

/** Those of a list of names; throws on one that there is not. */
export function getNemeses(names: readonly string[]): readonly Nemesis[] {
  return names.map((name) => {
    const nemesis = NEMESES.get(name);
    if (nemesis === undefined)
      throw new Error(`There is no fault "${name}"; there are ${[...NEMESES.keys()].join(', ')}.`);
    return nemesis;
  });
}
