import { createHash } from 'node:crypto';
import { EngineError } from '../../engine-error.ts';
import { LABEL } from '../../labels.ts';
import { statusOf } from '../connection/engine-failure.ts';
import type { Containers } from '../containers/containers.ts';
import type { HostCommands } from '../host/host-commands.ts';
import type { HostCommand } from '../host/host-container.ts';
import { readScript } from '../shell/read-script.ts';
import { firewallRules } from './firewall-rules.ts';
import type { SharedEngineNames } from '../containers/shared-engine-names.ts';
import { LOWEST_SETTINGS, SETTINGS_BIND } from './shared-limits.ts';
import { WatchdogConnection, type ConnectionTools } from './watchdog-connection.ts';

const SCRIPT = readScript('watchdog');
/** Increase with each change of the rules. Of two gateways on one engine, the higher version wins. */
const RULES_VERSION = 4;
/** Attempts while another gateway changes the watchdog. */
const ATTEMPTS = 5;

export interface WatchdogTools extends ConnectionTools {
  readonly containers: Containers;
  readonly host: HostCommands;
  readonly engineNames: SharedEngineNames;
}

/**
 * The container that keeps the firewall rules in place, and the kernel's shared limits high. All installations on the
 * engine share it.
 */
export class Watchdog {
  readonly #tools: WatchdogTools;
  /** Label of the rules that this gateway installed or found last. */
  #settled: string | undefined;

  constructor(tools: WatchdogTools) {
    this.#tools = tools;
  }

  /**
   * Connects to the watchdog; starts a new one if it is missing or has other rules. Before the start, a one-time
   * command installs the rules, because it reports errors.
   */
  async ensure(
    resolvers: readonly string[] | undefined,
    peers: readonly string[],
    signal: AbortSignal,
  ): Promise<[connection: WatchdogConnection, isNew: boolean]> {
    const { containers, host, engineNames } = this.#tools;
    const args = scriptArguments(engineNames, resolvers ?? [], peers);
    const label = `${RULES_VERSION}-${createHash('sha256')
      .update(JSON.stringify([SCRIPT, ...args]))
      .digest('hex')
      .slice(0, 12)}`;
    for (let attempt = 1; ; attempt += 1) {
      const present = await containers.inspect(engineNames.watchdog, signal);
      const posted = present?.Config.Labels?.[LABEL.watchdog] ?? '';
      if (present !== undefined && posted === '') {
        throw new EngineError(
          'ISOLATION_FAILED',
          `the name "${engineNames.watchdog}" is taken by a foreign container: rename or remove it`,
        );
      }
      const version = Number.parseInt(posted, 10);
      // Replace other rules of the same version only once per change of name servers or peers. Otherwise, two gateways with
      // different rules would replace each other's watchdog forever.
      const insists = resolvers !== undefined && label !== this.#settled;
      const fits = posted === label || version > RULES_VERSION || (version === RULES_VERSION && !insists);
      const reached = present?.State.Running && fits ? await this.#reach(present.Id, signal) : undefined;
      if (reached !== undefined) {
        this.#settled = label;
        return [reached, false];
      }
      const output = await host.run(watchdogCommand(args, 'once'), signal);
      if (output.exitCode !== 0)
        throw new EngineError('ISOLATION_FAILED', output.stderr.trim() || 'the firewall refused the rules');
      if (present !== undefined) await containers.remove(present.Id, signal);
      const watch = watchdogCommand(args, 'watch');
      try {
        const made = await host.create(watch, { [LABEL.watchdog]: label }, engineNames.watchdog, signal, {
          AutoRemove: true,
        });
        await host.start(made, watch, signal);
        const connection = await this.#reach(made.id, signal);
        if (connection !== undefined) {
          this.#settled = label;
          return [connection, true];
        }
        if (attempt === ATTEMPTS) throw new EngineError('ISOLATION_FAILED', 'the watchdog ends right after its start');
      } catch (error) {
        // Another gateway was faster, or removed ours because it seemed dead.
        if (![404, 409].includes(statusOf(error) ?? 0) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Connects to the watchdog and waits for its first answer; undefined if it does not answer. */
  async #reach(ref: string, signal: AbortSignal): Promise<WatchdogConnection | undefined> {
    let connection: WatchdogConnection;
    try {
      connection = await WatchdogConnection.open(this.#tools, ref, signal);
    } catch (error) {
      if ([404, 409, 500].includes(statusOf(error) ?? 0)) return undefined;
      throw error;
    }
    let hasAnswered = false;
    try {
      hasAnswered = await connection.ask(signal);
    } finally {
      if (!hasAnswered) connection.close();
    }
    return hasAnswered ? connection : undefined;
  }
}

function scriptArguments(
  engineNames: SharedEngineNames,
  resolvers: readonly string[],
  peers: readonly string[],
): readonly string[] {
  const { chains, bridges } = engineNames;
  const { ipv4, ipv6 } = firewallRules(engineNames, resolvers, peers);
  return [chains.forward, chains.input, chains.deny, bridges, ipv4, ipv6, LOWEST_SETTINGS];
}

function watchdogCommand(args: readonly string[], mode: 'once' | 'watch'): HostCommand {
  return {
    what: 'install the isolation rules',
    argv: ['sh', '-c', SCRIPT, 'swiftor-guard', mode, ...args],
    capabilities: ['NET_ADMIN', 'NET_RAW'],
    network: 'host',
    binds: [SETTINGS_BIND],
    isSpokenTo: mode === 'watch',
  };
}
