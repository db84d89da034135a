import { TOKEN_SCOPES, type TokenScope, type Viewer } from '../audit/viewer.ts';
import { ApiError } from '../errors.ts';

/** FORBIDDEN if the request's API token allows less. Tokens of a sign-in allow everything on their account. */
export function requireScope({ scope = 'ADMIN' }: Viewer, needed: TokenScope): void {
  if (TOKEN_SCOPES.indexOf(scope) >= TOKEN_SCOPES.indexOf(needed)) return;
  throw new ApiError('FORBIDDEN', `This API token has the scope ${scope}; this needs the scope ${needed}.`);
}
