import { buildSchema, getOperationAST, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { variableProblems } from '../../../src/graphql/pipeline/input-problems.ts';

const schema = buildSchema(`
  enum Colour { CRIMSON AZURE }
  input Paint { colour: Colour, litres: Int }
  type Query { paint(of: Colour, with: Paint, many: [Colour]): Int }
`);
const operation = getOperationAST(
  parse('query ($of: Colour, $with: Paint, $many: [Colour]) { paint(of: $of, with: $with, many: $many) }'),
);

describe('the problems of variables', () => {
  const misspelt = { of: 'CRIMSO', with: { colour: 'AZUR', litre: 1 }, many: ['AZURE', 'CRIMSONE'] };
  const told = (listEnumValues: boolean): string => {
    if (operation == null) throw new Error('The document has no operation.');
    return JSON.stringify(variableProblems({ schema, operation, variables: misspelt }, { listEnumValues }));
  };

  it('suggest nothing of a schema that clients may not read', () => {
    expect(told(false)).not.toMatch(/CRIMSON|AZURE|litres|mean/);
    expect(JSON.parse(told(false))).toHaveLength(4);
  });

  it('list the values of an enum otherwise', () => expect(told(true)).toContain('must be one of CRIMSON, AZURE.'));
});
