import { defineConfig } from 'vitest/config';

/**
 * The tests of `test/NAME`. unit needs nothing, database PostgreSQL. load needs PostgreSQL, and many seconds: it floods
 * the gateway, or waits for outages and deadlines. engine needs containers or installed programs, browser Chromium too.
 */
const project = (name: string, needs: { postgres: boolean }) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    // Importing the gateway takes seconds: files share what a worker has loaded, and leave nothing behind.
    isolate: false,
    ...(needs.postgres && { globalSetup: ['test/support/global-setup.ts'] }),
  },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', { postgres: false }),
      project('database', { postgres: true }),
      project('load', { postgres: true }),
      project('engine', { postgres: true }),
      project('browser', { postgres: true }),
    ],
    reporters: ['default', './test/support/count-reporter.ts'],
    // Node itself loads the modules, as it does in production: Vite's resolution would load graphql twice.
    experimental: { viteModuleRunner: false },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Many tests hold bounds of time, and machines are shared: one that fails is run again. A defect fails both times.
    retry: 1,
  },
});
