import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FILES } from '../../../lib/files/files.ts';

type ScriptName =
  | 'all-volumes'
  | 'finish-file'
  | 'hang-up'
  | 'list-files'
  | 'missing-devices'
  | 'sized-volumes'
  | 'start-program'
  | 'watchdog';

/** Returns the text of a shell script of this folder, for `sh -c`: engines and machines do not have the file. */
export function readScript(name: ScriptName): string {
  return readFileSync(path.join(FILES, 'src/engine/docker/shell', `${name}.sh`), 'utf8');
}
