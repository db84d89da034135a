import { GraphQLError, Lexer, parse, Source, TokenKind, type DocumentNode, type ParseOptions } from 'graphql';
import { badInput } from '../../errors.ts';
import { MAX_TOKENS } from './document-limits.ts';
import { graphqlErrorOf } from './mask-error.ts';

/**
 * Parses a document of at most `MAX_TOKENS` tokens. Throws BAD_USER_INPUT with the position of a syntax error;
 * graphql's own message would quote the text at that position.
 */
export function parseDocument(source: string | Source, options: ParseOptions | undefined): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens: MAX_TOKENS });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const [{ line, column } = { line: 1, column: 1 }] = error.locations ?? [];
    const problem = hasTooManyTokens(source, error.positions?.[0] ?? 0)
      ? `has more than ${MAX_TOKENS} tokens.`
      : `is not GraphQL: syntax error at line ${line}, column ${column}.`;
    const { message, extensions } = graphqlErrorOf(badInput([{ path: 'query', message: problem }]));
    throw new GraphQLError(message, { source: error.source ?? null, positions: error.positions ?? null, extensions });
  }
}

/** Whether the parser stopped at `end` because of the number of tokens, and not because of a syntax error. */
function hasTooManyTokens(source: string | Source, end: number): boolean {
  const lexer = new Lexer(typeof source === 'string' ? new Source(source) : source);
  try {
    for (let tokens = 0; tokens <= MAX_TOKENS; tokens += 1) {
      const { kind, start } = lexer.advance();
      if (kind === TokenKind.EOF || start > end) return false;
    }
    return true;
  } catch {
    return false;
  }
}
