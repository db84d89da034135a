import { createHash } from 'node:crypto';
import { parse } from 'graphql';
import { z } from 'zod';
import { ApiError } from '../../errors.ts';
import { readTextFile } from '../../lib/files/read-text-file.ts';

/** Documents that the operator has approved, by id or SHA-256. */
export interface PersistedOperations {
  /**
   * The document that a request names by `documentId` or `extensions.persistedQuery.sha256Hash`, otherwise its own
   * `query`, unchecked. Throws a PersistedOperationError for an unknown name and, if only persisted operations are
   * allowed, for any other document.
   */
  documentOf(request: ClientRequest): unknown;
}

interface ClientRequest {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
}

/** BAD_USER_INPUT: the operation is not available. Clients expect it as a result of GraphQL. */
export class PersistedOperationError extends ApiError {
  constructor(message: string) {
    super('BAD_USER_INPUT', message);
  }
}

/** Clients respond to this message by sending the document itself. */
const NOT_FOUND = 'PersistedQueryNotFound';
/** Clients respond to this message by sending the document itself, and all others from then on. */
const NOT_SUPPORTED = 'PersistedQueryNotSupported';

/** Where no file of operations is configured. */
export const NO_PERSISTED_OPERATIONS: PersistedOperations = {
  documentOf({ query, documentId, extensions }) {
    if (typeof query === 'string' && query !== '') return query;
    if (hashOf(extensions) !== undefined) throw new PersistedOperationError(NOT_SUPPORTED);
    if (documentId != null)
      throw new PersistedOperationError('No operations are persisted here; send the document as query.');
    return query;
  },
};

/**
 * Reads a JSON object of documents by id or by SHA-256, or a manifest of Apollo's. Rejects if an entry is not GraphQL
 * or its hash does not match. `own` are the documents of the gateway's own pages, which are always taken.
 */
export async function loadPersistedOperations(
  file: string,
  { only, own = [] }: { only: boolean; own?: readonly string[] },
): Promise<PersistedOperations> {
  const entries = parseFile(file, await readTextFile('PERSISTED_OPERATIONS', file));
  for (const [id, document] of entries) {
    if (/^[0-9a-f]{64}$/.test(id) && id !== sha256(document)) {
      throw new Error(`PERSISTED_OPERATIONS: the document under ${id} in ${file} has the SHA-256 ${sha256(document)}.`);
    }
    try {
      parse(document);
    } catch (error) {
      throw new Error(`PERSISTED_OPERATIONS: the document under "${id}" in ${file} is not GraphQL.`, { cause: error });
    }
  }
  const byId = new Map(entries);
  for (const [, document] of entries) byId.set(sha256(document), document);
  const documents = new Set([...byId.values(), ...own]);

  return {
    documentOf({ query, documentId, extensions }) {
      const id = documentId ?? hashOf(extensions);
      if (id !== undefined) {
        const known = typeof id === 'string' ? byId.get(id.replace(/^sha256:/, '')) : undefined;
        if (known !== undefined) return known;
        if (only || typeof query !== 'string' || query === '') throw new PersistedOperationError(NOT_FOUND);
      }
      if (only && !(typeof query === 'string' && documents.has(query))) {
        throw new PersistedOperationError('Only persisted operations are allowed here: name one by documentId.');
      }
      return query;
    },
  };
}

function parseFile(file: string, text: string): [string, string][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`PERSISTED_OPERATIONS: ${file} is not JSON.`, { cause: error });
  }
  const parsed = FILE.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(
    `PERSISTED_OPERATIONS: ${file} must be an object of documents by id, {"listVms": "query { ... }"}, or a ` +
      'manifest of the format "apollo-persisted-query-manifest", version 1.',
  );
}

/** What `@apollo/generate-persisted-query-manifest` writes. */
const MANIFEST = z
  .object({
    format: z.literal('apollo-persisted-query-manifest'),
    version: z.literal(1),
    operations: z.array(z.object({ id: z.string(), body: z.string() })),
  })
  .transform(({ operations }) => operations.map(({ id, body }): [string, string] => [id, body]));
const FILE = z.union([MANIFEST, z.record(z.string(), z.string()).transform((documents) => Object.entries(documents))]);

function hashOf(extensions: unknown): unknown {
  if (typeof extensions !== 'object' || extensions === null || !('persistedQuery' in extensions)) return undefined;
  const { persistedQuery } = extensions;
  return typeof persistedQuery === 'object' && persistedQuery !== null && 'sha256Hash' in persistedQuery
    ? persistedQuery.sha256Hash
    : undefined;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
