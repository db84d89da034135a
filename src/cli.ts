#!/usr/bin/env -S node --max-semi-space-size=16 --initial-old-space-size=96
// Without a bound, Node's young generation takes 134 MB under load, and the gateway is no faster. With 8 it is slower.
// Node collects an old generation that has not grown to its first size less often: after each pause, the lists of the
// next second took a third more CPU, and their slowest answers twice as long.
import nodeModule from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';

const NEEDED_NODE = 24;

// Imported as a whole, and before everything else: an older Node could not load the rest to say so.
if (Number.parseInt(process.versions.node, 10) < NEEDED_NODE) {
  process.stderr.write(`swiftor needs Node ${NEEDED_NODE} or later; this is ${process.version}.\n`);
  process.exit(1);
}

/**
 * Keeps compiled modules for the next start, which takes about half as long with them. In the user's own directory: a
 * shared one would let others choose what runs. Without such a directory, Node compiles as usual.
 */
nodeModule.enableCompileCache(
  path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'swiftor-gateway'),
);

// Loaded after that: a static import would come first.
const { runCommandLine } = await import('./commands/run-command-line.ts');
await runCommandLine(process.argv.slice(2));
