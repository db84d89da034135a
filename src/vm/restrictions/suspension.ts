import { ApiError } from '../../errors.ts';

/** Why an operator has turned an account's VMs off and refuses its starts. */
export interface Suspension {
  readonly since: Date;
  /** In the operator's words. */
  readonly reason: string;
}

/** The suspension in the columns of an account's row; undefined if there is none. */
export function toSuspension(
  row: { readonly suspended_at: Date | string | null; readonly suspended_reason: string | null } | null | undefined,
): Suspension | undefined {
  if (row?.suspended_at == null) return undefined;
  return { since: new Date(row.suspended_at), reason: row.suspended_reason ?? '' };
}

/** What a user is told whose start is refused. */
export function suspensionMessage({ reason }: Suspension): string {
  return `The operator has suspended this account: ${reason}`;
}

/** ACCOUNT_SUSPENDED with the operator's words. */
export function refuseWhileSuspended(suspension: Suspension | undefined): void {
  if (suspension !== undefined) throw new ApiError('ACCOUNT_SUSPENDED', suspensionMessage(suspension));
}
