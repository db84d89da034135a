import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const PROJECT = path.join(import.meta.dirname, '../../..');
const SCRIPTS = globSync(['src/**/*.sh', 'images/*/*.sh', 'deploy/**/*.sh', '.ci/run'], { cwd: PROJECT }).toSorted();

it('finds the shell scripts of the gateway, its images, its deployment and its CI', () => {
  expect(SCRIPTS).toContain('src/engine/docker/shell/watchdog.sh');
  expect(SCRIPTS).toContain('images/desktop/entrypoint.sh');
  expect(SCRIPTS).toContain('.ci/run');
});

it.each(SCRIPTS)('shellcheck accepts %s, with no file-wide exception', (script) => {
  const { error, stdout, status } = spawnSync('shellcheck', [script], { cwd: PROJECT, encoding: 'utf8' });
  expect(error).toBeUndefined();
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  expect(readFileSync(path.join(PROJECT, script), 'utf8')).not.toMatch(/shellcheck disable/);
});

it('the writer of the ticks of the watchdog never opens a here-document', () => {
  const script = readFileSync(path.join(PROJECT, 'src/engine/docker/shell/watchdog.sh'), 'utf8');
  expect(script).toContain('exec 4<&0\n( while sleep 2; do echo; done > /proc/$$/fd/4 ) &');
  expect(script).not.toContain('/fd/0');
});
