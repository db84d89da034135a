import { Kind, type FieldNode, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql';

/**
 * The names of the fields that are selected below the current one, or below the path of subfields, directly or through
 * fragments. Ignores @skip and @include.
 */
export function selectedFields(
  { fieldNodes, fragments }: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>,
  path: readonly string[] = [],
): ReadonlySet<string> {
  const inside = (set: SelectionSetNode | undefined): FieldNode[] =>
    (set?.selections ?? []).flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection];
      return inside(
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection.selectionSet
          : fragments[selection.name.value]?.selectionSet,
      );
    });
  const below = (nodes: readonly FieldNode[]): FieldNode[] => nodes.flatMap(({ selectionSet }) => inside(selectionSet));
  const parents = path.reduce<readonly FieldNode[]>(
    (nodes, name) => below(nodes).filter((node) => node.name.value === name),
    fieldNodes,
  );
  return new Set(below(parents).map(({ name }) => name.value));
}
