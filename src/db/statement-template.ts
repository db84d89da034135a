import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type CompiledQuery,
  type QueryResult,
  type RawBuilder,
} from 'kysely';
import type { Db, Trx } from './database.ts';
import type { Database } from './tables.ts';

/** The parameter of this name, in a statement that `defineStatement` builds. */
export type Parameter<P> = <K extends keyof P & string>(name: K) => RawBuilder<P[K]>;

interface Buildable<R> {
  compile(db: Db): CompiledQuery<R>;
}

/** Executes a statement with the values of its parameters. */
export type Statement<P, R> = (db: Db | Trx, values: P) => Promise<QueryResult<R>>;

/**
 * A statement that is built when it is first executed, and then kept: building it takes Kysely longer than sending it.
 * `build` gets a Kysely that cannot execute anything, and the function that makes its parameters.
 */
export function defineStatement<P extends object, R>(
  build: (db: Db, parameter: Parameter<P>) => Buildable<R>,
): Statement<P, R> {
  let template: CompiledQuery<R> | undefined;
  return (db, values) => {
    template ??= build(builder, (name) => sql`${new Placeholder(name)}`).compile(builder);
    const parameters = template.parameters.map((each) =>
      each instanceof Placeholder ? values[each.name as keyof P] : each,
    );
    return db.executeQuery<R>({ ...template, parameters });
  };
}

/** Stands for a parameter in a template. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

const builder: Db = new Kysely<Database>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});
