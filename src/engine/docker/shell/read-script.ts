import { readFileSync } from 'node:fs';

type ScriptName = 'all-volumes' | 'missing-devices' | 'sized-volumes' | 'watchdog';

/** Returns the text of a shell script of this folder, for `sh -c`: the engine's host does not have the file. */
export function readScript(name: ScriptName): string {
  return readFileSync(new URL(`${name}.sh`, import.meta.url), 'utf8');
}
