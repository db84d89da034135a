import { readFileSync, writeFileSync } from 'node:fs';
import { inProject } from '../../scripts/prepare/project.js';
import { SCHEMA_TYPES, schemaTypesOf } from './schema-types.ts';

/** Part of `npm run schema`: writes the schema as types where documents are typed by it, from schema.graphql. */
const types = schemaTypesOf(readFileSync(inProject('schema.graphql'), 'utf8'));
for (const file of SCHEMA_TYPES) writeFileSync(inProject(file), types);
