import { defineConfig } from 'vitest/config';

/**
 * The tests of some folders. test/unit needs nothing, test/database PostgreSQL. test/load needs PostgreSQL, and many
 * seconds: it floods the gateway, or waits for outages and deadlines. test/engine needs containers or installed
 * programs, test/browser Chromium too.
 */
const project = (name: string, { workers = 2, turn = 0 } = {}) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    // Importing the gateway takes seconds: files share what a worker has loaded, and leave nothing behind.
    isolate: false,
    maxWorkers: workers,
    sequence: { groupOrder: turn },
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/resolve-quickly.ts'],
  },
});

export default defineConfig({
  test: {
    projects: [
      // Three workers fill two cores while some wait, and each further one loads and compiles the gateway again.
      project('unit', { workers: 3 }),
      project('database', { workers: 3 }),
      // These wait for containers half of the time: three files at a time fill two cores.
      project('engine', { workers: 3, turn: 1 }),
      project('browser', { workers: 3, turn: 1 }),
      // These fill the cores, and hold bounds of time.
      project('load', { turn: 2 }),
    ],
    reporters: ['default', './test/support/count-reporter.ts'],
    // Node itself loads the modules, as it does in production: Vite's resolution would load graphql twice.
    // No test replaces a module, so vitest need not look into each one for that.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Many tests hold bounds of time, and machines are shared: one that fails is run again. A defect fails both times.
    retry: 1,
  },
});
