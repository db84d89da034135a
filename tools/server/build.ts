import { inProject } from '../../scripts/prepare/project.js';
import { buildServer } from './build-server.ts';
import { serverStamp } from './server-stamp.ts';

/** `build.ts FOLDER`: bundles the server into a folder of the project. */
await buildServer(inProject(process.argv[2] ?? '.runtime'), serverStamp());
