import { isUuid } from '../../lib/is-uuid.ts';

/** The types that implement Node. */
export const NODE_TYPES = [
  'Account',
  'AuditEntry',
  'Distribution',
  'Plan',
  'PortForward',
  'Region',
  'SubdomainMapping',
  'Vm',
  'VmSecret',
] as const;
export type NodeType = (typeof NODE_TYPES)[number];

/** What a global id names: a type, and what identifies an object among those of its type. */
export interface GlobalId {
  readonly type: NodeType;
  readonly key: readonly string[];
}

/** The description of `id` of the types whose ids are made here. */
export const OPAQUE_ID = 'Its global id, for `Query.node` and caches; opaque.';

/**
 * The id of an object that is no VM. It begins with the base64 of `["`, and so with a letter that no UUID has: it is
 * not the id of a VM. Different objects have different ids.
 */
export function toGlobalId(type: Exclude<NodeType, 'Vm'>, ...key: readonly string[]): string {
  return Buffer.from(JSON.stringify([type, ...key])).toString('base64url');
}

/** Undefined for a text that is no id. Each object has only one, but for upper-case letters in a UUID. */
export function parseGlobalId(id: string): GlobalId | undefined {
  if (isUuid(id)) return { type: 'Vm', key: [id.toLowerCase()] };
  const parts = parseStrings(Buffer.from(id, 'base64url').toString());
  const [name, ...key] = parts ?? [];
  const type = NODE_TYPES.find((known) => known === name);
  if (type === undefined || type === 'Vm' || toGlobalId(type, ...key) !== id) return undefined;
  return { type, key };
}

function parseStrings(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}
