import {
  Kind,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { badInput } from '../../errors.ts';

/**
 * Limits for each operation and each fragment of a document. A fragment counts once for each spread. Introspection
 * fields count like all others: the standard introspection query has 14 levels and about 250 fields.
 */
export const DOCUMENT_LIMITS = { depth: 16, fields: 400, aliases: 50, directives: 30 } as const;
/** Enforced by the parser, which stops at this many tokens. */
export const MAX_TOKENS = 2_000;

type Size = { readonly [name in keyof typeof DOCUMENT_LIMITS]: number };

const EMPTY: Size = { depth: 0, fields: 0, aliases: 0, directives: 0 };

/**
 * Throws BAD_USER_INPUT that names each exceeded limit, or a fragment that spreads itself. Takes time linear in the
 * length of the document.
 */
export function checkDocument(document: DocumentNode): void {
  const sizes = measure(document);
  const problems = (Object.keys(DOCUMENT_LIMITS) as (keyof Size)[]).flatMap((name) => {
    const most = Math.max(0, ...sizes.map((size) => size[name]));
    if (most <= DOCUMENT_LIMITS[name]) return [];
    return [{ path: 'query', message: `has ${most} ${UNITS[name]}, at most ${DOCUMENT_LIMITS[name]} are allowed.` }];
  });
  if (problems.length > 0) throw badInput(problems);
}

const UNITS = { depth: 'levels of fields', fields: 'fields', aliases: 'aliases', directives: 'directives' } as const;

/** Measures each operation and fragment. Each fragment is measured once: nested double spreads grow exponentially. */
function measure({ definitions }: DocumentNode): Size[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of definitions) if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  const measured = new Map<string, Size>();
  /** The fragments on the current path, to detect cycles. */
  const open = new Set<string>();

  const ofSet = (set: SelectionSetNode | undefined): Size =>
    (set?.selections ?? []).map(ofSelection).reduce(add, EMPTY);
  const ofSelection = (selection: SelectionNode): Size => {
    const own = { ...EMPTY, directives: selection.directives?.length ?? 0 };
    if (selection.kind === Kind.FRAGMENT_SPREAD) return add(own, ofFragment(selection.name.value));
    const inside = ofSet(selection.selectionSet);
    if (selection.kind === Kind.INLINE_FRAGMENT) return add(own, inside);
    return {
      depth: inside.depth + 1,
      fields: inside.fields + 1,
      aliases: inside.aliases + (selection.alias === undefined ? 0 : 1),
      directives: inside.directives + own.directives,
    };
  };
  const ofFragment = (name: string): Size => {
    const known = measured.get(name);
    const fragment = fragments.get(name);
    if (known !== undefined || fragment === undefined) return known ?? EMPTY;
    // Validation reports cycles, too, but may overflow the stack first.
    if (open.has(name)) throw badInput([{ path: 'query', message: `spreads the fragment "${name}" inside itself.` }]);
    open.add(name);
    const size = add({ ...EMPTY, directives: fragment.directives?.length ?? 0 }, ofSet(fragment.selectionSet));
    open.delete(name);
    measured.set(name, size);
    return size;
  };

  return definitions.flatMap((each) => {
    // Unused fragments count, too, because they are validated.
    if (each.kind === Kind.FRAGMENT_DEFINITION) return [ofFragment(each.name.value)];
    if (each.kind !== Kind.OPERATION_DEFINITION) return [];
    const onVariables = (each.variableDefinitions ?? []).flatMap(({ directives }) => directives ?? []).length;
    return [add({ ...EMPTY, directives: (each.directives?.length ?? 0) + onVariables }, ofSet(each.selectionSet))];
  });
}

function add(one: Size, other: Size): Size {
  return {
    depth: Math.max(one.depth, other.depth),
    fields: one.fields + other.fields,
    aliases: one.aliases + other.aliases,
    directives: one.directives + other.directives,
  };
}
