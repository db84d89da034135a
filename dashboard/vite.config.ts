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

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../.runtime/vite', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [compactDocuments],
  build: {
    target: 'es2023',
    // Every script and style is a file of its own: the page's policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // Two scripts for the first screen: what all screens share, and the list.
        codeSplitting: {
          groups: [
            {
              name: 'shared',
              test: /node_modules[\\/](@?preact|graphql-ws)|dashboard[\\/](api[\\/](ask|graphql|problem|vm-fields)|words[\\/](words|format)|session[\\/](session|token)|parts[\\/]use)/,
            },
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
