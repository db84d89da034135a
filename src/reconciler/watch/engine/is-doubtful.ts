/** What an engine has, by VM id. */
export interface Sighting {
  readonly machines: readonly { readonly id: string }[];
  readonly volumes: readonly { readonly id: string }[];
}

/**
 * Whether a list is suspiciously short: it lacks more than a third of the machines, or of the volumes, of the last
 * list. Engines have returned empty lists while everything ran.
 */
export function isDoubtful(before: Sighting, list: Sighting): boolean {
  return lacksThird(before.machines, list.machines) || lacksThird(before.volumes, list.volumes);
}

function lacksThird(before: Sighting['machines'], now: Sighting['machines']): boolean {
  const listed = new Set(now.map(({ id }) => id));
  const were = [...new Set(before.map(({ id }) => id))];
  return were.filter((id) => !listed.has(id)).length * 3 > were.length;
}
