import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineAct, EngineRule } from '../../support/engine/proxied/engine-proxy.ts';
import { createRandom } from '../workload/random.ts';
import type { Nemesis, Reach } from './nemesis.ts';
import type { OwnEngine } from '../rig/own-engine.ts';

const NOTHING = async (): Promise<void> => undefined;
const ANY = /^/;
const CHANGES = /^(POST|DELETE) /;

/**
 * Gateways get bad answers on their way to the engine, which itself is well. `share` of the calls, chosen by a seed.
 */
function disturb(name: string, seconds: number, call: RegExp, share: number, act: EngineAct): Nemesis {
  return {
    name,
    seconds,
    async begin({ rig, random }) {
      const dice = createRandom(random.below(2 ** 31));
      const rule: EngineRule = { call, act, nth: () => dice.next() < share };
      const remove = rig.engineProxy.rule(rule);
      return async () => remove();
    },
  };
}

/** As a connection that is closed, or open without an answer. */
function block(name: string, seconds: number, way: 'refuse' | 'stall'): Nemesis {
  return {
    name,
    seconds,
    async begin({ rig }) {
      rig.engineProxy.set(way);
      return async () => rig.engineProxy.set('open');
    },
  };
}

function emptyOf(body: unknown): unknown {
  if (Array.isArray(body)) return [];
  return typeof body === 'object' && body !== null && 'Volumes' in body ? { ...body, Volumes: [] } : body;
}

/** What happens on the way to an engine: also on this machine's. */
const ON_THE_WAY: readonly Nemesis[] = [
  disturb('engine-slow', 15, ANY, 1, { kind: 'delay', milliseconds: 2_000 }),
  disturb('engine-500', 15, ANY, 0.05, { kind: 'answer', status: 500, body: { message: 'this is a test' } }),
  disturb('engine-nonsense', 15, ANY, 0.05, { kind: 'answer', status: 200, body: '<html>not what you asked for' }),
  disturb('engine-cut', 15, ANY, 0.05, { kind: 'cut', at: 'body' }),
  disturb('engine-lost', 15, CHANGES, 0.2, { kind: 'cut', at: 'answer' }),
  disturb('engine-lists-nothing', 40, /^GET \/(containers\/json|volumes)\b/, 1, { kind: 'rewrite', map: emptyOf }),
  block('engine-refuse', 20, 'refuse'),
  block('engine-stall', 20, 'stall'),
  {
    name: 'engine-mute',
    seconds: 15,
    async begin({ rig }) {
      rig.engineProxy.muteEvents(true);
      return async () => rig.engineProxy.muteEvents(false);
    },
  },
];

/** Something that is done to an engine of its own. */
function harm(
  name: string,
  seconds: number,
  begin: (engine: OwnEngine, reach: Reach) => Promise<() => Promise<void>>,
): Nemesis {
  return {
    name,
    seconds,
    endsContainers: true,
    needsOwnEngine: true,
    async begin(reach) {
      if (reach.rig.engine === undefined) throw new Error(`${name} needs an engine of its own.`);
      return begin(reach.rig.engine, reach);
    },
  };
}

const ON_THE_ENGINE: readonly Nemesis[] = [
  harm('engine-kill', 3, async (engine) => {
    await engine.killDaemon(false);
    return () => engine.startDaemon();
  }),
  harm('engine-crash', 3, async (engine) => {
    await engine.killDaemon(true);
    return () => engine.startDaemon();
  }),
  harm('engine-stop', 20, async (engine) => {
    await engine.stopDaemon();
    return () => engine.startDaemon();
  }),
  harm('engine-restart', 10, async (engine) => {
    await engine.stopDaemon();
    await engine.startDaemon();
    return NOTHING;
  }),
  {
    ...harm('engine-pause', 25, async (engine) => {
      await engine.pauseDaemon('SIGSTOP');
      return () => engine.pauseDaemon('SIGCONT');
    }),
    endsContainers: false,
  },
  {
    ...harm('engine-empty', 5, async (engine, { rig, history, observe }) => {
      // Until it has the image again, which no registry has.
      rig.engineProxy.set('refuse');
      await engine.startEmpty();
      rig.engineProxy.set('open');
      const { rows } = await observe();
      for (const { id, persistent } of rows) if (persistent) history.robbed.add(id);
      return NOTHING;
    }),
    isLast: true,
  },
  {
    ...harm('engine-full', 25, async (engine) => {
      await engine.fillDisk();
      return () => engine.emptyDisk();
    }),
    endsContainers: false,
  },
  harm('host-reboot', 3, async (engine) => {
    await engine.powerOff();
    await sleep(2_000);
    return () => engine.powerOn();
  }),
];

export const ENGINE_NEMESES: readonly Nemesis[] = [...ON_THE_WAY, ...ON_THE_ENGINE];
