import { recordAccountAction, recordAction } from '../audit/audit-store.ts';
import type { Actor } from '../audit/viewer.ts';
import { isUserId } from '../auth/jwt.ts';
import { runTransaction } from '../db/transaction.ts';
import { EngineError } from '../engine/engine-error.ts';
import type { Engines } from '../engine/open-engines.ts';
import { ApiError } from '../errors.ts';
import type { OrphanDesk } from '../operator/orphan-desk.ts';
import {
  adoptOrphan,
  listOrphans,
  removeOrphan,
  type FoundOrphans,
  type Orphan,
} from '../reconciler/orphans/orphan-commands.ts';
import type { VmDependencies } from '../vm/commands/vm-command.ts';

interface OrphanDeskOptions extends VmDependencies {
  readonly engines: Engines;
  /** Aborts when the gateway shuts down. */
  readonly ending: AbortSignal;
}

/** The desk over this gateway's engines: what `swiftor orphans` does, with an audit. */
export function openOrphanDesk(options: OrphanDeskOptions): OrphanDesk {
  const { db, engines, ending } = options;

  const find = (): Promise<FoundOrphans> => listOrphans(engines.endpoints, db, ending);
  /** All that engines have of the VM. */
  const get = async (id: string): Promise<readonly [Orphan, ...Orphan[]]> => {
    const { orphans, failure } = await find();
    const [first, ...others] = orphans.filter((each) => each.id === id);
    // What has it may be the engine that did not answer.
    if (first === undefined) throw failure === undefined ? new ApiError('NOT_FOUND') : toApiError(failure);
    return [first, ...others];
  };

  return {
    async list() {
      const { orphans, failure } = await find();
      return {
        problem: failure?.message ?? null,
        orphans: orphans.map(({ id, regions, state, volumes, order, isDeleted }) => ({
          id,
          regions,
          isDeleted,
          state: state ?? null,
          volumes: volumes.map(({ name }) => name),
          userId: order.userId ?? null,
        })),
      };
    },
    async adopt(operator, id, order) {
      const [orphan] = await get(id);
      const adopted = await adoptOrphan(options, orphan, order, ending).catch(rethrow);
      await runTransaction(db, (trx) =>
        recordAction(trx, { actor: operator, vm: { id, ...adopted }, action: 'ORPHAN_ADOPTED', details: {} }),
      );
    },
    async remove(operator, id) {
      const own = await get(id);
      for (const orphan of own) await removeOrphan(orphan, ending).catch(rethrow);
      const owner = ownerOf(own, operator);
      await runTransaction(db, (trx) => recordAccountAction(trx, operator, owner, 'ORPHAN_REMOVED', { id }));
    },
  };
}

/** The owner that the labels name; without one, whoever removes it. */
function ownerOf([{ order }]: readonly [Orphan, ...Orphan[]], operator: Actor): string {
  return order.userId !== undefined && isUserId(order.userId) ? order.userId : operator.userId;
}

function rethrow(error: unknown): never {
  throw toApiError(error);
}

/** In the words of the command line, whose options are named as the fields of the input. */
function toApiError(error: unknown): unknown {
  if (error instanceof ApiError || !(error instanceof Error)) return error;
  const isAway = error instanceof EngineError || error.cause instanceof EngineError;
  return new ApiError(isAway ? 'UNAVAILABLE' : 'CONFLICT', error.message.replaceAll('--', ''), { cause: error });
}
