import type { Actor } from '../../audit/viewer.ts';
import { parseDuration } from '../../config/parse-duration.ts';
import { honoursViewers } from '../../catalog/distribution.ts';
import { ApiError, badInput } from '../../errors.ts';
import { countAccesses, deleteAccesses, insertAccess } from '../access/access-store.ts';
import { createLinkToken } from '../access/link-token.ts';
import type { AccessRole } from '../access/vm-access.ts';
import { notifyAfterCommit } from '../../db/transaction.ts';
import { mappingUrl, vmUrl, type PublicAddress } from '../networking/mapping.ts';
import type { Vm } from '../vm.ts';
import { done, refuseWhileDeleting, runCommand, UNCHANGED, type VmDependencies } from './vm-command.ts';

/** Where the ingress redeems a link. */
export const OPEN_PATH = '/.swiftor/open';

/** Of a link that a person opens at once. */
const LINK_MS = 60_000;
/** Links and accesses that are not over, per VM, and for all VMs of an account. */
const MAX_ACCESSES = { vm: 200, account: 2_000 } as const;

export interface AccessDependencies extends VmDependencies {
  readonly address: PublicAddress;
  /** How long an access lasts at most, in ms. */
  readonly maxAccessMs: number;
}

/** A link that opens an address of a VM, once. */
export interface OpenLink {
  readonly url: string;
  /** When the link stops working. */
  readonly linkUntil: Date;
  /** When the access ends that it gives. */
  readonly accessUntil: Date;
}

/** Which address to open. */
interface Place {
  readonly vmId: string;
  readonly name: string | undefined;
}

/**
 * Creates a link to the VM or its mapping, for 60 s, whose access ends with the actor's token, or earlier by
 * OPEN_ACCESS_MAX.
 */
export async function createOpenLink(deps: AccessDependencies, actor: Actor, place: Place): Promise<string> {
  const linkUntil = new Date(Date.now() + LINK_MS);
  const options = {
    role: 'CONTROL',
    isGuest: false,
    signsIn: true,
    linkUntil,
    until: new Date(Math.min(actor.expiresAt, Date.now() + deps.maxAccessMs)),
  } as const;
  return (await createLink(deps, actor, place, options)).url;
}

/** Creates a link for the actor's own browser, for 60 s, whose access outlives the token. */
export async function openVm(
  deps: AccessDependencies,
  actor: Actor,
  place: Place,
  { accessFor, signsIn }: { readonly accessFor: string; readonly signsIn: boolean },
): Promise<OpenLink> {
  const until = endOf(accessFor, 'accessFor', deps);
  const linkUntil = new Date(Date.now() + LINK_MS);
  return createLink(deps, actor, place, { role: 'CONTROL', isGuest: false, signsIn, linkUntil, until });
}

/** Creates a link for somebody else. It can be used once, until its access would end. */
export async function shareVm(
  deps: AccessDependencies,
  actor: Actor,
  place: Place,
  { role, lasts }: { readonly role: AccessRole; readonly lasts: string },
): Promise<OpenLink> {
  const until = endOf(lasts, 'for', deps);
  return createLink(deps, actor, place, { role, isGuest: true, signsIn: true, linkUntil: until, until });
}

/** Ends one access to the VM, or withdraws a link; without an id, all. NOT_FOUND if there is none with the id. */
export async function endAccess(deps: VmDependencies, actor: Actor, vmId: string, id: string | undefined): Promise<Vm> {
  return runCommand(deps, actor, vmId, 'ACCESS_ENDED', async ({ trx, vm }) => {
    const count = await deleteAccesses(trx, vm.id, id);
    if (count === 0 && id !== undefined) throw new ApiError('NOT_FOUND');
    if (count === 0) return UNCHANGED;
    notifyAfterCommit(trx, 'vm_access', vm.id);
    return done({ accesses: count });
  });
}

interface LinkOptions {
  readonly role: AccessRole;
  readonly isGuest: boolean;
  readonly signsIn: boolean;
  readonly linkUntil: Date;
  readonly until: Date;
}

async function createLink(
  deps: AccessDependencies,
  actor: Actor,
  { vmId, name }: Place,
  options: LinkOptions,
): Promise<OpenLink> {
  const { role, isGuest, linkUntil, until } = options;
  const { token, hash } = createLinkToken(deps.secretBox, { vmId: vmId.toLowerCase(), name });
  const action = isGuest ? 'VM_SHARED' : 'OPEN_LINK_CREATED';
  const vm = await runCommand(
    deps,
    actor,
    vmId,
    action,
    async ({ trx, vm: current }) => {
      refuseWhileDeleting(current);
      if (name !== undefined && !current.mappings.some((mapping) => mapping.name === name))
        throw new ApiError('NOT_FOUND');
      if (role === 'VIEW') requireViewable(deps, current, name);
      const { ofVm, ofAccount } = await countAccesses(trx, current);
      if (ofVm >= MAX_ACCESSES.vm || ofAccount >= MAX_ACCESSES.account) {
        throw new ApiError(
          'CONFLICT',
          `A VM has at most ${MAX_ACCESSES.vm} links and accesses that are not over, and all VMs of an account ` +
            `${MAX_ACCESSES.account}; end some with endAccess.`,
        );
      }
      const scope = { vmId: current.id, name };
      await insertAccess(trx, { ...options, scope, linkHash: hash, apiTokenId: actor.token?.id });
      const minutes = Math.ceil((until.getTime() - Date.now()) / 60_000);
      return isGuest ? done({ name: name ?? null, role, minutes }) : done({ name: name ?? null });
    },
    ['mappings', 'image'],
  );
  const url = name === undefined ? vmUrl(deps.address, vm.id) : mappingUrl(deps.address, vm.id, name);
  return { url: `${url}${OPEN_PATH}?ticket=${token}`, linkUntil, accessUntil: until };
}

/** CONFLICT unless what answers at the address leaves out the input of viewers. */
function requireViewable(
  { catalog }: VmDependencies,
  vm: Pick<Vm, 'distribution' | 'desktop' | 'image' | 'mappings'>,
  name: string | undefined,
): void {
  const entry = catalog.distributions.get(vm.distribution);
  if (vm.image === null) {
    throw new ApiError(
      'CONFLICT',
      'Which image this VM runs is known once it has started: start it first, or share it with the role CONTROL.',
    );
  }
  const port = vm.mappings.find((mapping) => mapping.name === name)?.internalPort ?? entry?.defaultPort;
  const isApp = entry !== undefined && port === entry.defaultPort;
  if (isApp && honoursViewers(entry, vm.desktop, vm.image)) return;
  throw new ApiError(
    'CONFLICT',
    `${isApp ? `This image of ${entry.name}` : 'What answers at this address'} cannot tell who may only look on: ` +
      'share it with the role CONTROL.',
  );
}

function endOf(duration: string, path: string, { maxAccessMs }: AccessDependencies): Date {
  try {
    return new Date(Date.now() + Math.min(parseDuration(duration) * 1_000, maxAccessMs));
  } catch {
    throw badInput([{ path, message: 'must be a duration such as 90s, 15m, 12h or 2d.' }]);
  }
}
