import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readScript } from '../../../../src/engine/docker/shell/read-script.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'swiftor-volumes-'));
});
afterEach(() => rmSync(data, { recursive: true }));

/** Measures volume "v" below `data` with the script that runs on the engine's host. */
function measure(searchPath = process.env.PATH ?? ''): string {
  const script = readScript('all-volumes').replace('cd /data', `cd ${data}`);
  const argv = ['-c', script, 'all-volumes', 'measure', 'installation', '60', 'volume', 'v'];
  return execFileSync('sh', argv, { encoding: 'utf8', env: { PATH: searchPath } });
}

function makeVolume(): string {
  const volume = path.join(data, 'volumes/v/_data');
  mkdirSync(volume, { recursive: true });
  return volume;
}

describe('measuring a volume', () => {
  it('counts its bytes and files, whatever their names are', () => {
    const volume = makeVolume();
    for (const name of ['plain', 'two\n\nbreaks', '0\t1\n0']) writeFileSync(path.join(volume, name), 'x'.repeat(4_096));
    const [, kibibytes, files] = /^whole (\d+) (\d+) volume v\n$/.exec(measure()) ?? [];
    expect(Number(kibibytes)).toBeGreaterThanOrEqual(12);
    expect(Number(files)).toBeGreaterThanOrEqual(4);
  });

  it('that is cut in the middle of a line is not taken for whole', () => {
    makeVolume();
    const programs = path.join(data, 'programs');
    mkdirSync(programs);
    const du = path.join(programs, 'du');
    writeFileSync(du, "#!/bin/sh\nprintf '4\\t./a\\n0\\t./emp'\nkill -TERM $$\n");
    chmodSync(du, 0o755);
    expect(measure(`${programs}:${process.env.PATH}`)).toBe('cut 2 volume v\n');
  });
});
