import {
  getNamedType,
  isAbstractType,
  isObjectType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
} from 'graphql';
import { schema } from '../../../src/graphql/schema/schema.ts';
import { KEY } from './access-rules.ts';

/** What fields within are given: those that have arguments without defaults, and those that would cost too much. */
const REQUIRED: Readonly<Record<string, string>> = {
  'Vm.secret': `(key: "${KEY}")`,
  'Account.violations': '(cpu: 1, ram: 1)',
  // A whole hour by many paths would cost more than an operation may.
  'Vm.statsHistory': '(minutes: 1)',
  'Operator.account': `(userId: "nobody")`,
  'Operator.vm': '(id: "1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f")',
  'Distribution.availability': '(region: "AU")',
};

/** An operation that asks for everything that can be reached from one field of a root type. */
export interface WholeOperation {
  readonly query: string;
  /** Each `Type.field` that it selects. */
  readonly coordinates: ReadonlySet<string>;
}

/**
 * Every field by every path; a type is not entered again inside itself. Of a Node, each type that it can be: there, VMs
 * are not entered by way of what belongs to them. Arguments inside are left at their defaults
 * or as `REQUIRED` has them, those of the field are variables.
 */
export function selectAll(
  root: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
  given: readonly string[],
): WholeOperation {
  const coordinates = new Set<string>([`${root.name}.${field.name}`]);
  const inside = (named: GraphQLNamedType, trail: readonly string[], taken = new Map<string, string>()): string => {
    if (isAbstractType(named)) {
      const known = new Map<string, string>();
      const branches = schema.getPossibleTypes(named).map((type) => {
        const own = type.name === 'Vm' ? [] : ['Vm'];
        return `... on ${type.name} ${inside(type, [...trail, type.name, ...own], known)}`;
      });
      return `{ __typename ${branches.join(' ')} }`;
    }
    if (!isObjectType(named)) return '';
    const fields = Object.values(named.getFields()).flatMap((each) => {
      const next = getNamedType(each.type);
      if (isObjectType(next) && trail.includes(next.name)) return [];
      const coordinate = `${named.name}.${each.name}`;
      const passed = REQUIRED[coordinate] ?? '';
      if (passed === '' && each.args.some((arg) => String(arg.type).endsWith('!') && arg.defaultValue === undefined))
        return [];
      coordinates.add(coordinate);
      // Fields of different types with one name must be of one type in an answer.
      const isTaken = (taken.get(each.name) ?? String(each.type)) !== String(each.type);
      if (!isTaken) taken.set(each.name, String(each.type));
      const alias = isTaken ? `${named.name}_${each.name}: ` : '';
      return [`${alias}${each.name}${passed} ${inside(next, [...trail, next.name])}`];
    });
    return `{ ${fields.join(' ')} }`;
  };
  const args = field.args.filter(({ name }) => given.includes(name));
  const declared = args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const passed = args.map(({ name }) => `${name}: $${name}`).join(', ');
  const named = getNamedType(field.type);
  const selection = inside(named, [named.name]);
  const kind = root.name.toLowerCase();
  return {
    query: `${kind}${declared && `(${declared})`} { ${field.name}${passed && `(${passed})`} ${selection} }`,
    coordinates,
  };
}
