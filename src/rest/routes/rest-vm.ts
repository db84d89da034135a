import type { RestVm } from './route.ts';

/** What `toItem` needs. */
export const ITEM = 'id vmlabel region os { distribution desktop } specs { cpu ram storage } enabled';
/** What `toDetails` needs. */
export const DETAILS = `${ITEM} status url`;

/** A VM in the list: exactly these keys. */
export function toItem({ id, vmlabel, region, os, specs, enabled }: RestVm): object {
  return { id, vmlabel, region, os, specs, enabled };
}

/** A single VM. */
export function toDetails(vm: RestVm): object {
  return { ...toItem(vm), status: vm.status, url: vm.url };
}

/** A VM that was created or changed. */
export function toOwned(vm: RestVm): object {
  const { id, ...rest } = toItem(vm) as RestVm;
  return { id, user_id: vm.userId, ...rest };
}

/** A query for one page of VMs with these fields. */
export const listQuery = (fields: string): string =>
  `query ($after: String) { vms(first: 100, after: $after) ` +
  `{ nodes { status ${fields} } pageInfo { hasNextPage endCursor } } }`;

/** Entries by VM; a VM without entries is left out. */
export function byVm<T>(
  vms: readonly RestVm[],
  entries: (vm: RestVm) => readonly (readonly [string, T])[],
): Record<string, Record<string, T>> {
  return Object.fromEntries(
    vms.flatMap((vm) => {
      const own = entries(vm);
      return own.length === 0 ? [] : [[vm.id, Object.fromEntries(own)]];
    }),
  );
}
