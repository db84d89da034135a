import { recordAccountAction } from '../../audit/audit-store.ts';
import type { Actor, TokenScope } from '../../audit/viewer.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { parseDuration } from '../../config/parse-duration.ts';
import { runExclusive } from '../../db/account-queue.ts';
import type { Db } from '../../db/database.ts';
import { openAccount } from '../../db/open-account.ts';
import { notifyAfterCommit, runTransaction } from '../../db/transaction.ts';
import { ApiError, badInput, type FieldProblem } from '../../errors.ts';
import { isUuid } from '../../lib/is-uuid.ts';
import { generateApiToken, type ApiToken } from './api-token.ts';
import { countApiTokens, endAccessesOf, listApiTokens } from './api-token-store.ts';

const MAX_TOKENS = 100;
const MAX_DAYS = 3_650;

interface Dependencies {
  readonly db: Db;
  readonly catalog: Catalog;
}

export interface ApiTokenInput {
  readonly name: string;
  readonly scope: TokenScope;
  /** How long it works, such as 90d. */
  readonly expiresIn: string;
  readonly serviceAccount?: string | null | undefined;
}

/**
 * Creates a token, whose text is returned here only. BAD_USER_INPUT names each bad field; CONFLICT while the account
 * has 100 tokens that have not expired.
 */
export async function createApiToken(
  { db, catalog }: Dependencies,
  actor: Actor,
  input: ApiTokenInput,
): Promise<{ readonly token: string; readonly apiToken: ApiToken }> {
  const { name, scope, serviceAccount, seconds } = parseInput(input);
  const { userId } = actor;
  const { token, hash } = generateApiToken();
  return runExclusive(db, userId, () =>
    runTransaction(db, async (trx) => {
      await openAccount(trx, userId, catalog.defaultPlan.code);
      if ((await countApiTokens(trx, userId)) >= MAX_TOKENS)
        throw new ApiError('CONFLICT', `An account has at most ${MAX_TOKENS} API tokens; revoke one first.`);
      const { id } = await trx
        .insertInto('api_token')
        .values({
          user_id: userId,
          service_account: serviceAccount,
          name,
          scope,
          hash,
          expires_at: new Date(Date.now() + seconds * 1_000),
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      await recordAccountAction(trx, actor, userId, 'API_TOKEN_CREATED', { name, scope, serviceAccount });
      const apiToken = (await listApiTokens(trx, userId)).find((each) => each.id === id);
      if (apiToken === undefined) throw new Error('An API token was stored and is not there.');
      return { token, apiToken };
    }),
  );
}

/**
 * Revokes a token of the account: what is connected with it, or opened by its links, ends. NOT_FOUND if there is none.
 */
export async function revokeApiToken(db: Db, actor: Actor, id: string): Promise<string> {
  if (!isUuid(id)) throw new ApiError('NOT_FOUND');
  const { userId } = actor;
  return runExclusive(db, userId, () =>
    runTransaction(db, async (trx) => {
      // In the order of all locks: account, then VMs.
      await trx.selectFrom('account').select('user_id').where('user_id', '=', userId).forUpdate().execute();
      const row = await trx
        .deleteFrom('api_token')
        .where('id', '=', id)
        .where('user_id', '=', userId)
        .returning(['id', 'name', 'service_account as serviceAccount'])
        .executeTakeFirst();
      if (row === undefined) throw new ApiError('NOT_FOUND');
      notifyAfterCommit(trx, 'api_token', row.id);
      for (const vmId of await endAccessesOf(trx, row.id)) notifyAfterCommit(trx, 'vm_access', vmId);
      const { name, serviceAccount } = row;
      await recordAccountAction(trx, actor, userId, 'API_TOKEN_REVOKED', { name, serviceAccount });
      return row.id;
    }),
  );
}

interface ParsedInput {
  readonly name: string;
  readonly scope: TokenScope;
  readonly serviceAccount: string | null;
  readonly seconds: number;
}

function parseInput({ name, scope, expiresIn, serviceAccount }: ApiTokenInput): ParsedInput {
  const seconds = secondsOf(expiresIn);
  const fields: FieldProblem[] = [
    ...(/^[^\p{Cc}]{1,100}$/u.test(name.trim())
      ? []
      : [{ path: 'name', message: 'must have 1 to 100 characters, without line breaks.' }]),
    ...(seconds !== undefined && seconds <= MAX_DAYS * 86_400
      ? []
      : [{ path: 'expiresIn', message: `must be a duration such as 12h or 90d, of at most ${MAX_DAYS}d.` }]),
    ...(serviceAccount == null || /^[a-z0-9][a-z0-9-]{0,39}$/.test(serviceAccount)
      ? []
      : [{ path: 'serviceAccount', message: 'must have 1 to 40 lower-case letters, digits and hyphens.' }]),
  ];
  if (fields.length > 0) throw badInput(fields);
  return { name: name.trim(), scope, serviceAccount: serviceAccount ?? null, seconds: seconds ?? 0 };
}

function secondsOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
