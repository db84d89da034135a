import { sql, type CompiledQuery, type RawBuilder } from 'kysely';

/** Stands for a parameter in a statement that is built once and executed many times. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A parameter that `fillTemplate` replaces. */
export function placeholder<T>(name: string): RawBuilder<T> {
  return sql<T>`${new Placeholder(name)}`;
}

/**
 * A compiled statement with the values of its placeholders. Building a statement takes Kysely longer than sending it,
 * so the hottest ones are compiled once.
 */
export function fillTemplate<R>(
  template: CompiledQuery<R>,
  values: Readonly<Record<string, unknown>>,
): CompiledQuery<R> {
  const parameters = template.parameters.map((each) => (each instanceof Placeholder ? values[each.name] : each));
  return { ...template, parameters };
}
