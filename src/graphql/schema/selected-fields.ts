import { Kind, type FieldNode, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql';

/**
 * The names of the fields that are selected below the current one, or below the path of subfields, directly or through
 * fragments. With `type`, only those of objects of this type, for a field that returns a Node. Ignores @skip and
 * @include.
 */
export function selectedFields(
  { fieldNodes, fragments }: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>,
  path: readonly string[] = [],
  type?: string,
): ReadonlySet<string> {
  const inside = (set: SelectionSetNode | undefined, of?: string): FieldNode[] =>
    (set?.selections ?? []).flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection];
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value];
      const on = fragment?.typeCondition?.name.value ?? 'Node';
      return of === undefined || on === of || on === 'Node' ? inside(fragment?.selectionSet, of) : [];
    });
  const below = (nodes: readonly FieldNode[], of?: string): FieldNode[] =>
    nodes.flatMap(({ selectionSet }) => inside(selectionSet, of));
  let selected = below(fieldNodes, type);
  for (const name of path) selected = below(selected.filter((node) => node.name.value === name));
  return new Set(selected.map(({ name }) => name.value));
}
