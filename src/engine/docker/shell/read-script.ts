import { readFileSync } from 'node:fs';

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
  return readFileSync(new URL(`${name}.sh`, import.meta.url), 'utf8');
}
