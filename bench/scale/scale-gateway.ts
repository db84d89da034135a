import { readConfig } from '../../src/config/read-config.ts';
import type { Engines } from '../../src/engine/open-engines.ts';
import { createLog } from '../../src/log.ts';
import { startServer } from '../../src/server.ts';
import { SimulatedEngine, type EngineChange } from './simulated-engine.ts';

/** A gateway whose one region is simulated. The bench forks it, and passes on what happens on the engine. */
const REGION = 'AU';
const engine = new SimulatedEngine({
  nodes: Number(process.env['SCALE_NODES']),
  appPort: Number(process.env['SCALE_APP_PORT']),
  // The bench may have ended.
  tell: (change) => void process.send?.({ change }, () => undefined),
});
process.on('message', (change) => engine.apply(change as EngineChange));

const ending = new AbortController();
process.once('disconnect', () => ending.abort());
const config = readConfig(process.env);
const log = await createLog({ level: config.logLevel });
const server = await startServer(config, log, ending.signal, { openEngines: simulatedEngines });
process.send?.({ port: server.address.port });
ending.signal.addEventListener('abort', () => {
  // Nobody is left to wait for it.
  setTimeout(() => process.exit(), 10_000).unref();
  void server.close().then(() => process.exit());
});

function simulatedEngines(): Engines {
  return {
    drivers: new Map([[REGION, engine]]),
    endpoints: [{ endpoint: 'simulated', regions: [REGION], driver: engine }],
    change: () => [],
    close: () => engine.close(),
  };
}
