import { GraphQLError, type GraphQLInputType, type ValidationRule, type ValueNode } from 'graphql';
import { badInput } from '../../errors.ts';
import { literalProblems } from './input-problems.ts';
import { graphqlErrorOf } from './mask-error.ts';

/**
 * Stands for the language's ValuesOfCorrectTypeRule, whose sentences quote the literal. The introspection that is switched off is not told
 * in errors either: the values of an enum are then not listed.
 */
export const literalsRule: ValidationRule = (context) => {
  let place = '';
  const check = (node: ValueNode, type: GraphQLInputType | undefined): false => {
    const problems = type === undefined ? [] : literalProblems(node, type, place, { namesValues: !context.hideSuggestions });
    if (problems.length > 0) {
      const { message, extensions } = graphqlErrorOf(badInput(problems));
      context.reportError(new GraphQLError(message, { nodes: node, extensions }));
    }
    return false;
  };
  const checkOwn = (node: ValueNode): false => check(node, context.getInputType() ?? undefined);
  return {
    VariableDefinition: ({ variable }) => void (place = variable.name.value),
    Argument: ({ name }) => void (place = name.value),
    NullValue: checkOwn,
    // Inside of a list the type is that of its items.
    ListValue: (node) => check(node, context.getParentInputType() ?? undefined),
    ObjectValue: checkOwn,
    EnumValue: checkOwn,
    IntValue: checkOwn,
    FloatValue: checkOwn,
    StringValue: checkOwn,
    BooleanValue: checkOwn,
  };
};
