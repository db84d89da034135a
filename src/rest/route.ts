import type { JsonObject } from '../http/request/json.ts';

/** The parts of a request that a route maps to variables. */
export interface RestRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly body: JsonObject;
  readonly idempotencyKey: string | undefined;
}

/**
 * A REST route: a GraphQL operation, how a request becomes its variables, and how its result becomes a reply.
 * Authorization, validation and limits belong to the operation.
 */
export interface Route {
  readonly path: string;
  /** A GET that changes state exists for old clients only. */
  readonly methods: readonly ('GET' | 'POST' | 'DELETE')[];
  readonly summary: string;
  readonly changesState: boolean;
  readonly document: string;
  readonly variables: (request: RestRequest) => JsonObject;
  /** The REST names of GraphQL inputs, where they differ. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly status: 200 | 201;
  /** If the operation lists VMs, `nodes` has those of all pages. Undefined means NOT_FOUND. */
  readonly reply: (data: RestData, request: RestRequest) => unknown;
}

export interface RestVm {
  readonly id: string;
  readonly userId: string;
  readonly vmlabel: string;
  readonly region: string;
  readonly os: { readonly distribution: string; readonly desktop: string | null };
  readonly specs: { readonly cpu: number; readonly ram: number; readonly storage: boolean };
  readonly enabled: boolean;
  readonly status: string;
  readonly url: string;
  readonly secrets: readonly { readonly key: string; readonly value: string }[];
  readonly networking: readonly { readonly name: string; readonly internalPort: number }[];
}

export interface RestData {
  readonly nodes: readonly RestVm[];
  readonly vm?: RestVm | null;
  readonly createVm?: RestVm;
  readonly addSubdomain?: { readonly subdomain: string; readonly internalPort: number };
}

/** A query for one page of VMs with these fields. */
export const listQuery = (fields: string): string =>
  `query ($after: String) { vms(first: 100, after: $after) ` +
  `{ nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`;
