import { minifyIntrospection, outputIntrospectionFile } from '@gql.tada/internal';
import { buildSchema, introspectionFromSchema } from 'graphql';

/** The files that have the schema as types. */
export const SCHEMA_TYPES = ['dashboard/api/schema.d.ts', 'client/src/schema.d.ts'] as const;

/**
 * The types from which the compiler reads what a document of the dashboard or the client returns. The CLI of gql.tada
 * does the same, but does not run with TypeScript 7.
 */
export function schemaTypesOf(sdl: string): string {
  const introspection = introspectionFromSchema(buildSchema(sdl), { descriptions: false });
  return outputIntrospectionFile(minifyIntrospection(introspection), {
    fileType: '.d.ts',
    shouldPreprocess: true,
  });
}
