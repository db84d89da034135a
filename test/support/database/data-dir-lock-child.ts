// Takes the lock of the directory in its first argument, says so on standard output and holds it until it is killed.
import { acquireDataDirLock } from '../../../src/lib/process/data-dir-lock.ts';

try {
  await acquireDataDirLock(process.argv[2] ?? '');
  process.stdout.write('locked\n');
  setInterval(() => {}, 60_000);
} catch (error) {
  process.stdout.write(`refused ${error instanceof Error ? error.message : String(error)}\n`);
}
