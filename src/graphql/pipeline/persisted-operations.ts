import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse } from 'graphql';
import { ApiError } from '../../errors.ts';

/** Documents that the operator has approved, by id or SHA-256. */
export interface PersistedOperations {
  /**
   * The document that a request names by `documentId` or `extensions.persistedQuery.sha256Hash`, otherwise its own
   * `query`, unchecked. Throws BAD_USER_INPUT for an unknown name and, if only persisted operations are allowed, for
   * any other document.
   */
  documentOf(request: ClientRequest): unknown;
}

interface ClientRequest {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
}

/** Apollo clients respond to this message by sending the document itself. */
const NOT_FOUND = 'PersistedQueryNotFound';

/**
 * Reads a JSON object of documents by id or by SHA-256. Rejects if an entry is not GraphQL or its hash does not match.
 */
export async function loadPersistedOperations(file: string, { only }: { only: boolean }): Promise<PersistedOperations> {
  const entries = parseFile(file, await readFile(file, 'utf8'));
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
  const documents = new Set(byId.values());

  return {
    documentOf({ query, documentId, extensions }) {
      const id = documentId ?? hashOf(extensions);
      if (id !== undefined) {
        const known = typeof id === 'string' ? byId.get(id.replace(/^sha256:/, '')) : undefined;
        if (known !== undefined) return known;
        if (only || typeof query !== 'string' || query === '') throw new ApiError('BAD_USER_INPUT', NOT_FOUND);
      }
      if (only && !(typeof query === 'string' && documents.has(query))) {
        throw new ApiError('BAD_USER_INPUT', 'Only persisted operations are allowed here: name one by documentId.');
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
  const entries =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
  if (entries?.every((entry): entry is [string, string] => typeof entry[1] === 'string') !== true) {
    throw new Error(
      `PERSISTED_OPERATIONS: ${file} must be an object of documents by id: {"listVms": "query { ... }"}.`,
    );
  }
  return entries;
}

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
