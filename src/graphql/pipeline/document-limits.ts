import { Kind, type DocumentNode, type FragmentDefinitionNode, type SelectionNode, type SelectionSetNode } from 'graphql';
import { badInput } from '../../errors.ts';

/**
 * What a document may hold, each operation and each fragment for itself, with the fragments in it as often as they are spread: introspection is counted like
 * everything else, and no name of a field or fragment is an exception. The standard introspection query has 14 levels and about 250 fields.
 */
export const DOCUMENT_LIMITS = { depth: 16, fields: 400, aliases: 50, directives: 30 } as const;
/** Counted while parsing: what is longer is never parsed whole. */
export const MAX_TOKENS = 2_000;

type Extent = { readonly [name in keyof typeof DOCUMENT_LIMITS]: number };

const NOTHING: Extent = { depth: 0, fields: 0, aliases: 0, directives: 0 };

/** BAD_USER_INPUT naming each limit that something in the document exceeds, or a fragment that spreads itself. Takes time only in proportion to the document's length. */
export function checkDocument(document: DocumentNode): void {
  const extents = measure(document);
  const problems = (Object.keys(DOCUMENT_LIMITS) as (keyof Extent)[]).flatMap((name) => {
    const most = Math.max(0, ...extents.map((extent) => extent[name]));
    if (most <= DOCUMENT_LIMITS[name]) return [];
    return [{ path: 'query', message: `has ${most} ${UNITS[name]}, at most ${DOCUMENT_LIMITS[name]} are allowed.` }];
  });
  if (problems.length > 0) throw badInput(problems);
}

const UNITS = { depth: 'levels of fields', fields: 'fields', aliases: 'aliases', directives: 'directives' } as const;

/** Of each operation and each fragment. A fragment is measured once, however often it is spread: a few that spread each other twice would take for ever. */
function measure({ definitions }: DocumentNode): Extent[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of definitions) if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  const measured = new Map<string, Extent>();
  /** Those that are being measured, each inside the one before it. */
  const open = new Set<string>();

  const ofSet = (set: SelectionSetNode | undefined): Extent => (set?.selections ?? []).map(ofSelection).reduce(add, NOTHING);
  const ofSelection = (selection: SelectionNode): Extent => {
    const own = { ...NOTHING, directives: selection.directives?.length ?? 0 };
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
  const ofFragment = (name: string): Extent => {
    const known = measured.get(name);
    const fragment = fragments.get(name);
    if (known !== undefined || fragment === undefined) return known ?? NOTHING;
    // Validation would say so too, but may run out of stack before it does.
    if (open.has(name)) throw badInput([{ path: 'query', message: `spreads the fragment "${name}" inside itself.` }]);
    open.add(name);
    const extent = add({ ...NOTHING, directives: fragment.directives?.length ?? 0 }, ofSet(fragment.selectionSet));
    open.delete(name);
    measured.set(name, extent);
    return extent;
  };

  return definitions.flatMap((each) => {
    // Also one that nothing spreads: it is validated all the same.
    if (each.kind === Kind.FRAGMENT_DEFINITION) return [ofFragment(each.name.value)];
    if (each.kind !== Kind.OPERATION_DEFINITION) return [];
    const onVariables = (each.variableDefinitions ?? []).flatMap(({ directives }) => directives ?? []).length;
    return [add({ ...NOTHING, directives: (each.directives?.length ?? 0) + onVariables }, ofSet(each.selectionSet))];
  });
}

function add(one: Extent, other: Extent): Extent {
  return {
    depth: Math.max(one.depth, other.depth),
    fields: one.fields + other.fields,
    aliases: one.aliases + other.aliases,
    directives: one.directives + other.directives,
  };
}
