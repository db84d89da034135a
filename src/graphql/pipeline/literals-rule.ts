import { GraphQLError, type GraphQLInputType, type ValidationRule, type ValueNode } from 'graphql';
import { badInput } from '../../errors.ts';
import { literalProblems } from './input-problems.ts';
import { graphqlErrorOf } from './mask-error.ts';

/**
 * Replaces graphql's ValuesOfCorrectTypeRule, whose messages quote the literal. Enum values are listed only if
 * introspection is allowed.
 */
export const literalsRule: ValidationRule = (context) => {
  let path = '';
  const check = (node: ValueNode, type: GraphQLInputType | undefined): false => {
    const problems =
      type === undefined ? [] : literalProblems(node, type, path, { listEnumValues: !context.hideSuggestions });
    if (problems.length > 0) {
      const { message, extensions } = graphqlErrorOf(badInput(problems));
      context.reportError(new GraphQLError(message, { nodes: node, extensions }));
    }
    return false;
  };
  const checkSelf = (node: ValueNode): false => check(node, context.getInputType() ?? undefined);
  return {
    VariableDefinition: ({ variable }) => void (path = variable.name.value),
    Argument: ({ name }) => void (path = name.value),
    NullValue: checkSelf,
    // Inside a list, getInputType() is the type of its items.
    ListValue: (node) => check(node, context.getParentInputType() ?? undefined),
    ObjectValue: checkSelf,
    EnumValue: checkSelf,
    IntValue: checkSelf,
    FloatValue: checkSelf,
    StringValue: checkSelf,
    BooleanValue: checkSelf,
  };
};
