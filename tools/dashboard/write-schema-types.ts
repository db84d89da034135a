import { readFileSync, writeFileSync } from 'node:fs';
import { inProject } from '../../scripts/prepare/project.js';
import { schemaTypesOf } from './schema-types.ts';

/** Part of `npm run schema`: writes dashboard/api/schema.d.ts from schema.graphql. */
writeFileSync(inProject('dashboard/api/schema.d.ts'), schemaTypesOf(readFileSync(inProject('schema.graphql'), 'utf8')));
