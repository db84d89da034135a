import path from 'node:path';
import { defineConfig } from 'vitest/config';

/** For runs on a node of a rig, of files that need an engine and nothing else. */
export default defineConfig({
  test: {
    root: path.join(import.meta.dirname, '../../..'),
    isolate: false,
    maxWorkers: 3,
    experimental: { viteModuleRunner: false },
    testTimeout: 45_000,
    hookTimeout: 90_000,
    retry: 1,
  },
});
