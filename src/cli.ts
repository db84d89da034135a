import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';

/**
 * Keeps compiled modules for the next start, which takes about half as long with them. In the user's own directory: a
 * shared one would let others choose what runs. Without such a directory, Node compiles as usual.
 */
enableCompileCache(path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'swiftor-gateway'));

// Loaded after that: a static import would come first.
await import('./commands.ts');
