import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Viewer } from '../auth/viewer.ts';
import type { Db } from '../db/database.ts';
import { ApiError } from '../errors.ts';
import { mappingUrl, vmUrl, type PublicAddress } from './mapping.ts';
import type { VmDependencies } from './vm-command.ts';
import { findVm } from './vm-store.ts';

/** Where the ingress redeems a link. */
export const OPEN_PATH = '/.swiftor/open';

const LINK_SECONDS = 60;

/** A link that opens the VM's own address, or that of the mapping, once, within 60 s. Only its hash is stored. */
export async function createOpenLink(
  deps: VmDependencies,
  address: PublicAddress,
  viewer: Viewer,
  vmId: string,
  name: string | undefined,
): Promise<string> {
  const vm = await findVm(deps.db, viewer.userId, vmId);
  if (vm === undefined) throw new ApiError('NOT_FOUND');
  if (name !== undefined && !vm.mappings.some((mapping) => mapping.name === name)) throw new ApiError('NOT_FOUND');
  const token = randomBytes(32).toString('base64url');
  await deps.db
    .insertInto('open_link')
    .values({
      token_hash: hashOf(token),
      vm_id: vm.id,
      name: name ?? null,
      expires_at: sql<Date>`now() + make_interval(secs => ${LINK_SECONDS})`,
      session_until: new Date(viewer.expiresAt),
    })
    .execute();
  const url = name === undefined ? vmUrl(address, vm.id) : mappingUrl(address, vm.id, name);
  return `${url}${OPEN_PATH}?ticket=${token}`;
}

/** What a link turns into: whose session opened it, and when (ms since 1970) that session's token ends. */
export interface RedeemedLink {
  readonly userId: string;
  readonly until: number;
}

/** What the browser that brings the token has a right to; undefined when it has none. A token works once. */
export async function redeemOpenLink(db: Db, token: string, vmId: string, name: string | undefined): Promise<RedeemedLink | undefined> {
  const row = await db
    .deleteFrom('open_link')
    .using('vm')
    .whereRef('vm.id', '=', 'open_link.vm_id')
    .where('open_link.token_hash', '=', hashOf(token))
    .where('open_link.vm_id', '=', vmId)
    .where('open_link.name', name === undefined ? 'is' : '=', name ?? null)
    .where('open_link.expires_at', '>', sql<Date>`now()`)
    // Nobody but the VM's owner makes links to it.
    .returning(['open_link.session_until', 'vm.user_id'])
    .executeTakeFirst();
  return row === undefined ? undefined : { userId: row.user_id, until: row.session_until.getTime() };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
