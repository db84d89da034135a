import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const GATEWAY = process.env['GATEWAY'] ?? 'http://127.0.0.1:4000';

/** Documents are indented for people; the gateway reads them without. */
const compactDocuments: Plugin = {
  name: 'compact-documents',
  transform: {
    filter: { id: /dashboard\/api\/\w[\w-]*\.ts$/ },
    handler: (code) => code.replaceAll(/`[^`]*`/g, (text) => text.replaceAll(/\s+/g, ' ')),
  },
};

/** Files of the dashboard, by what follows in their path. */
const files = (...names: readonly string[]): RegExp =>
  new RegExp(`dashboard[\\\\/](${names.join('|').replaceAll('/', '[\\\\/]')})`);

/** What no screen waits for. */
const LATER = files('frame/(background|banner|palette/|shortcuts|news)', 'connection/page-version', 'parts/toast');
/** All screens but the list, and what only they need. */
const SCREENS = files(
  'screens/(create|catalog|activity|account|vm/|overview|logs|secrets|network|settings|share|delete)',
  'screens/(commands/(rename|use-rename|refusal-reasons)|vms/no-vms)',
  'api/(access|queries|mutations|subscriptions)',
  'words/(create|vm\\.|activity|account|settings|share|telemetry)',
  'parts/(dialog|copy|field|time|use-focus)',
  'loading/(pages|use-)',
  'telemetry',
  'account/catalog',
  'vms/deleted',
);
/** Each a script of its own. */
const APART = files('screens/(stats|sign-in)', 'session/(oidc|renew)', 'words/sign-in');

const isFirst = (id: string): boolean =>
  /node_modules[\\/](@?preact|graphql-ws)/.test(id) ||
  (/dashboard[\\/].*\.tsx?$/.test(id) && ![LATER, SCREENS, APART].some((other) => other.test(id)));

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../.runtime/vite', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [compactDocuments],
  build: {
    target: 'es2023',
    // Every script and style is a file of its own: the page's policy allows nothing inline.
    assetsInlineLimit: 0,
    // Nothing is loaded before it is needed.
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // One script for the first screen and one for all others; charts and OpenID Connect are apart.
        codeSplitting: {
          groups: [
            { name: 'first', test: isFirst, priority: 2 },
            { name: 'later', test: LATER, priority: 1 },
            { name: 'screens', test: SCREENS, priority: 1 },
          ],
        },
      },
    },
  },
  // `npm run dashboard`: the sources as they change, with the APIs of a gateway that runs already.
  server: {
    port: 4001,
    proxy: {
      '/graphql': { target: GATEWAY, ws: true },
      '/dashboard.json': { target: GATEWAY },
    },
  },
});
