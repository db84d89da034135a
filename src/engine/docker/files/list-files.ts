import { EngineError } from '../../engine-error.ts';
import type { FileEntry, FileList, FileProblem } from '../../files.ts';
import type { HostOutput } from '../host/host-commands.ts';
import type { HostCommand } from '../host/host-container.ts';
import { readScript } from '../shell/read-script.ts';

const SCRIPT = readScript('list-files');
const MOST = 1_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** Exit codes of list-files.sh and finish-file.sh. */
export const NOT_FOUND = 44;
export const LINK = 45;

export function listCommand(directory: string): HostCommand {
  return {
    what: 'list files',
    argv: ['sh', '-c', SCRIPT, 'list-files', directory, String(MOST)],
    capabilities: ['DAC_READ_SEARCH'],
    maxOutputBytes: MAX_OUTPUT_BYTES,
  };
}

export function readList({ exitCode, stdout, stderr }: HostOutput): FileList | FileProblem {
  if (exitCode === NOT_FOUND) return 'not-found';
  if (exitCode === LINK) return 'link';
  if (exitCode !== 0)
    throw new EngineError('ENGINE_REFUSED', `The files of a machine could not be listed: ${stderr.trim()}`);
  const lines = stdout.split('\n').filter((line) => line !== '');
  const isWhole = lines.at(-1) !== 'more';
  return { entries: lines.flatMap((line) => readEntry(line) ?? []), isWhole };
}

function readEntry(line: string): FileEntry | undefined {
  const [, mode = '', bytes, seconds, name] = /^([0-9a-f]+) (\d+) (-?\d+) \.\/(.+)$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  return {
    name,
    kind: kindOf(Number.parseInt(mode, 16)),
    bytes: Number(bytes),
    modifiedAt: new Date(Number(seconds) * 1000),
  };
}

/** By the type in st_mode. */
function kindOf(mode: number): FileEntry['kind'] {
  switch (mode & 0xf000) {
    case 0x8000:
      return 'file';
    case 0x4000:
      return 'directory';
    case 0xa000:
      return 'link';
    default:
      return 'other';
  }
}
