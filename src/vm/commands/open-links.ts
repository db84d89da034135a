import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Actor } from '../../audit/viewer.ts';
import type { Db } from '../../db/database.ts';
import { ApiError } from '../../errors.ts';
import { recordRedemption } from '../../audit/audit-store.ts';
import { mappingUrl, vmUrl, type PublicAddress } from '../networking/mapping.ts';
import { runCommand, done, type VmDependencies } from './vm-command.ts';

/** Where the ingress redeems a link. */
export const OPEN_PATH = '/.swiftor/open';

const LINK_SECONDS = 60;

/** Creates a link that opens the address of the VM or of its mapping once, within 60 s. Only a hash of it is stored. */
export async function createOpenLink(
  deps: VmDependencies,
  address: PublicAddress,
  actor: Actor,
  vmId: string,
  name: string | undefined,
): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const vm = await runCommand(deps, actor, vmId, 'OPEN_LINK_CREATED', async ({ trx, vm: current }) => {
    if (name !== undefined && !current.mappings.some((mapping) => mapping.name === name))
      throw new ApiError('NOT_FOUND');
    await trx
      .insertInto('open_link')
      .values({
        token_hash: hashOf(token),
        vm_id: current.id,
        name: name ?? null,
        expires_at: sql<Date>`now() + make_interval(secs => ${LINK_SECONDS})`,
        session_until: new Date(actor.expiresAt),
      })
      .execute();
    return done({ name: name ?? null });
  });
  const url = name === undefined ? vmUrl(address, vm.id) : mappingUrl(address, vm.id, name);
  return `${url}${OPEN_PATH}?ticket=${token}`;
}

/** The access that a link gives. */
export interface RedeemedLink {
  readonly userId: string;
  /** When the token of the session that created the link expires, in ms since 1970. */
  readonly until: number;
}

/** Redeems the token of a link, once, with an audit row. Undefined when the token is unknown, used or expired. */
export async function redeemOpenLink(
  db: Db,
  token: string,
  { vmId, name, from }: { vmId: string; name: string | undefined; from: string },
): Promise<RedeemedLink | undefined> {
  // Only the owner of a VM can create links to it, so `user_id` is the VM's.
  const { rows } = await sql<{ user_id: string; session_until: Date }>`
    with link as (
      delete from open_link using vm
      where vm.id = open_link.vm_id and token_hash = ${hashOf(token)} and vm_id = ${vmId}
        and name is not distinct from ${name ?? null} and expires_at > now()
      returning vm_id, name, user_id, session_until
    ), audited as (${recordRedemption(sql`link`, from)})
    select user_id, session_until from link
  `.execute(db);
  const [row] = rows;
  return row === undefined ? undefined : { userId: row.user_id, until: row.session_until.getTime() };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
