import { registerHooks } from 'node:module';

/**
 * Vitest imports each test file under a name with the time in it, and is told of every import, so that watching finds
 * what has changed. A run needs neither: under its own name a file is in Node's compile cache, which would otherwise
 * also grow with each run, and a relative import needs no look-up.
 */
if (process.env['VITEST_MODE'] === 'RUN') {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const { parentURL } = context;
      if (specifier.startsWith('.') && parentURL !== undefined && !parentURL.includes('/node_modules/'))
        return { url: new URL(specifier, parentURL).href, shortCircuit: true };
      const resolved = nextResolve(specifier, context);
      return { ...resolved, url: resolved.url.replace(/\?vitest=\d+$/, '') };
    },
  });
}
