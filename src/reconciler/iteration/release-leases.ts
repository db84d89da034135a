import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import { lockLeased, type LeaseState } from './vm-lease.ts';

/** The end of a lease, and when its VM is due again without an event. */
export interface Release {
  /** As the last iteration has read it. */
  readonly seen: LeaseState;
  /** Undefined: never. */
  readonly nextInSeconds: number | undefined;
  /** Set if the owner asks the VM's app from now on, and makes the VM due when something has changed. */
  readonly watch?: Watch;
}

interface Watch {
  /** Instead of `nextInSeconds`, if the owner is a watcher. */
  readonly forSeconds: number;
  /** When container and app were as the row says, by performance.now(). */
  readonly sameAt: number;
}

/** What became of a VM whose lease was released: the owner watches it, it is due at once, or neither. */
export type Released = 'watched' | 'due' | 'waits';

/**
 * Releases leases of the owner. A VM is due again as its release says, or at once if anything changed since `seen`: no
 * event that came during the iteration is lost. A VM that is not due at once has reached its desire, or given up for
 * now: what follows is not of the request that changed it. VMs whose lease was lost are missing in the result.
 */
export async function releaseLeases(
  db: Db,
  owner: string,
  releases: readonly Release[],
): Promise<ReadonlyMap<string, Released>> {
  const now = performance.now();
  const vmIds = releases.map(({ seen }) => seen.vmId);
  const isChanged = sql`(vm.generation <> release.generation or vm.wakes <> release.wakes)`;
  const isWatched = sql`(
    release.watch_seconds is not null
    and exists (select from watcher w where w.owner = ${owner} and w.alive_until > now())
  )`;
  const { rows } = await sql<{ id: string; released: Released }>`
    with release as (
      select * from unnest(
        ${vmIds}::uuid[], ${releases.map(({ seen }) => seen.generation)}::bigint[],
        ${releases.map(({ seen }) => seen.wakes)}::bigint[],
        ${releases.map(({ nextInSeconds = null }) => nextInSeconds)}::float8[],
        ${releases.map(({ watch }) => watch?.forSeconds ?? null)}::float8[],
        ${releases.map(({ watch }) => (watch === undefined ? null : (now - watch.sameAt) / 1_000))}::float8[]
      ) as release (id, generation, wakes, next_seconds, watch_seconds, seconds_since)
    ), concerned as materialized (${lockLeased(owner, vmIds)})
    update vm set lease_owner = null, lease_until = null, observed_generation = release.generation,
      next_attempt_at = case
        when ${isChanged} then now()
        when ${isWatched} then now() + make_interval(secs => release.watch_seconds)
        else now() + make_interval(secs => release.next_seconds)
      end,
      watcher = case when not ${isChanged} and ${isWatched} then ${owner} end,
      observed_at = greatest(vm.observed_at, now() - make_interval(secs => release.seconds_since)),
      traceparent = case when ${isChanged} or release.next_seconds = 0 then vm.traceparent end
    from release join concerned using (id) where vm.id = release.id
    returning vm.id, case when vm.watcher is not null then 'watched' when vm.next_attempt_at <= now() then 'due'
      else 'waits' end as released
  `.execute(db);
  return new Map(rows.map(({ id, released }) => [id, released]));
}
