import { inProject } from '../../scripts/prepare/project.js';
import { packClient } from './pack-client.ts';

/** `npm run client`: builds and packs the package `@swiftor/client`. */
process.stdout.write(`${packClient(inProject('client'))}\n`);
