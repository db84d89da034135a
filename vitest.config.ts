import { defineConfig } from 'vitest/config';

/**
 * The tests of `test/NAME`. unit needs nothing, database PostgreSQL. load needs PostgreSQL, and many seconds: it floods
 * the gateway, or waits for outages and deadlines. engine needs containers or installed programs, browser Chromium too.
 */
const project = (name: string, { postgres = true, workers = 2, turn = 0 } = {}) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    // Importing the gateway takes seconds: files share what a worker has loaded, and leave nothing behind.
    isolate: false,
    maxWorkers: workers,
    sequence: { groupOrder: turn },
    ...(postgres && { globalSetup: ['test/support/global-setup.ts'] }),
  },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', { postgres: false, workers: 4 }),
      project('database', { workers: 4 }),
      // These wait for containers half of the time: three files at a time fill two cores.
      project('engine', { workers: 3, turn: 1 }),
      project('browser', { workers: 3, turn: 1 }),
      // These fill the cores, and hold bounds of time.
      project('load', { turn: 2 }),
    ],
    reporters: ['default', './test/support/count-reporter.ts'],
    // Node itself loads the modules, as it does in production: Vite's resolution would load graphql twice.
    experimental: { viteModuleRunner: false },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Many tests hold bounds of time, and machines are shared: one that fails is run again. A defect fails both times.
    retry: 1,
  },
});
