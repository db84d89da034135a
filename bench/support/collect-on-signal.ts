import { collectGarbage } from '../../src/lib/collect-garbage.ts';

/** Preloaded into measured processes, so that neither garbage nor free pages count as used memory. */
process.on('SIGUSR2', collectGarbage);
