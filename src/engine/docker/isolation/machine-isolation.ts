import { createHash } from 'node:crypto';
import type Docker from 'dockerode';
import { withDeadline } from '../../../lib/with-deadline.ts';
import type { Log } from '../../../log.ts';
import { EngineError } from '../../engine-error.ts';
import { LABEL } from '../../labels.ts';
import type { Containers } from '../containers/containers.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { firewallRules, parseResolvers } from './firewall-rules.ts';
import { WatchdogConnection } from './watchdog-connection.ts';
import type { HostCommands } from '../host/host-commands.ts';
import type { HostCommand } from '../host/host-container.ts';
import { readScript } from '../shell/read-script.ts';
import type { MachineNetwork } from './network.ts';
import type { SharedEngineNames } from './shared-engine-names.ts';

const WATCHDOG_SCRIPT = readScript('guard');
/** Increase with each change of the rules. Of two gateways on one engine, the higher version wins. */
const RULES_VERSION = 3;
const ASSERT_MILLISECONDS = 60_000;
/** Maximum age of the name server list. Name servers change, for example when a laptop changes networks. */
const RESOLVERS_MILLISECONDS = 5 * 60_000;
/** Attempts while another gateway changes the watchdog. */
const ATTEMPTS = 5;

interface IsolationTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
  readonly host: HostCommands;
  /** One of the machines' networks. Created before the rules, because its creation enables bridge filtering. */
  readonly network: MachineNetwork;
  readonly engineNames: SharedEngineNames;
  readonly endpoint: string;
  readonly log: Log;
}

/**
 * Isolates machines with rules in the host's firewall. A container, the watchdog, installs them and restores removed
 * rules within two seconds. All installations on the engine share it. One network per machine is no alternative: the
 * engine has address ranges for about 30, and each would add 0.2 s to a start.
 */
export class MachineIsolation {
  readonly #tools: IsolationTools;
  readonly #mode: 'on' | 'off';
  #watchdog: { readonly connection: WatchdogConnection; readonly until: number } | undefined;
  #asserting: Promise<void> | undefined;
  readonly #closing = new AbortController();
  /** Label of the rules that this gateway installed or found last. */
  #settled: string | undefined;

  constructor(tools: IsolationTools, mode: 'on' | 'off') {
    this.#tools = tools;
    this.#mode = mode;
  }

  /**
   * Resolves once the watchdog has checked the rules, after the call. Takes about 10 ms, or a second if there was no
   * watchdog. Rejects with ISOLATION_FAILED if the rules cannot be installed.
   */
  async require(signal: AbortSignal): Promise<'isolated' | 'open'> {
    if (this.#mode === 'off') return 'open';
    const watchdog = this.#watchdog;
    if (watchdog === undefined || !(await watchdog.connection.ask(signal))) {
      await withDeadline(ASSERT_MILLISECONDS, signal, () => this.#assertOnce());
    } else if (performance.now() > watchdog.until) {
      // The current rules hold. Renew them in the background, so that no start waits.
      this.#watchdog = { ...watchdog, until: performance.now() + RESOLVERS_MILLISECONDS };
      this.#assertOnce().catch((error: unknown) =>
        this.#tools.log.warn({ err: error }, 'the isolation rules could not be renewed'),
      );
    }
    return 'isolated';
  }

  /** Shares one assertion among concurrent callers. */
  #assertOnce(): Promise<void> {
    this.#asserting ??= this.#assert(
      AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ASSERT_MILLISECONDS)]),
    ).finally(() => {
      this.#asserting = undefined;
    });
    return this.#asserting;
  }

  /** Aborts a running assertion and waits until it has cleaned up. The rules stay. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#asserting?.catch(() => undefined);
    this.#watchdog?.connection.close();
  }

  /** Connects to the watchdog and waits for its first answer; undefined if it does not answer. */
  async #reach(ref: string, signal: AbortSignal): Promise<WatchdogConnection | undefined> {
    try {
      const connection = await WatchdogConnection.open(this.#tools, ref, signal);
      if (await connection.ask(signal)) return connection;
      connection.close();
    } catch (error) {
      if (![404, 409, 500].includes(statusOf(error) ?? 0)) throw error;
    }
    return undefined;
  }

  async #assert(signal: AbortSignal): Promise<void> {
    const { network, log } = this.#tools;
    try {
      const [resolvers] = await Promise.all([this.#findResolvers(signal), network.ensureId(signal)]);
      const [connection, isNew] = await this.#ensureWatchdog(resolvers, signal);
      this.#watchdog?.connection.close();
      this.#watchdog = { connection, until: performance.now() + RESOLVERS_MILLISECONDS };
      if (isNew) log.info({ resolvers }, 'VMs are isolated from each other, the host and private networks');
    } catch (error) {
      throw this.#toFailure(error);
    }
  }

  /**
   * Connects to the watchdog; starts a new one if it is missing or has other rules. Before the start, a one-time
   * command installs the rules, because it reports errors.
   */
  async #ensureWatchdog(
    resolvers: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<[connection: WatchdogConnection, isNew: boolean]> {
    const { containers, host, engineNames } = this.#tools;
    const args = watchdogArguments(engineNames, resolvers ?? []);
    const label = `${RULES_VERSION}-${createHash('sha256')
      .update(JSON.stringify([WATCHDOG_SCRIPT, ...args]))
      .digest('hex')
      .slice(0, 12)}`;
    for (let attempt = 1; ; attempt += 1) {
      const present = await containers.inspect(engineNames.guard, signal);
      const posted = present?.Config.Labels?.[LABEL.guard] ?? '';
      if (present !== undefined && posted === '') {
        throw new EngineError(
          'ISOLATION_FAILED',
          `the name "${engineNames.guard}" is taken by a foreign container: rename or remove it`,
        );
      }
      const version = Number.parseInt(posted, 10);
      // Replace other rules of the same version only once per name server change. Otherwise, two gateways with
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
        const made = await host.create(watch, { [LABEL.guard]: label }, engineNames.guard, signal, {
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

  /** The name servers of a container on the engine's default network; undefined if it has no default network. */
  async #findResolvers(signal: AbortSignal): Promise<readonly string[] | undefined> {
    const { host, log } = this.#tools;
    try {
      const { stdout } = await host.run(
        { what: "read the containers' name servers", argv: ['cat', '/etc/resolv.conf'], network: 'bridge' },
        signal,
      );
      return parseResolvers(stdout);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'ENGINE_REFUSED') throw error;
      log.warn({ err: error }, "the engine's name servers are unknown: VMs cannot use those on private addresses");
      return undefined;
    }
  }

  #toFailure(error: unknown): unknown {
    if (!(error instanceof EngineError) || error.code === 'ENGINE_UNREACHABLE' || error.code === 'ENGINE_TIMEOUT')
      return error;
    // The health endpoint shows this message. The engine's address is for the operator only, who has the log.
    const reason = error.message.replaceAll(` at ${this.#tools.endpoint}`, '').replace(/\.$/, '');
    const message = [
      `VMs cannot be isolated on the engine, so none starts there: ${reason}.`,
      'The host needs iptables, and containers on its network need NET_ADMIN.',
      'On a machine without other users, VM_ISOLATION=off runs VMs without isolation.',
    ].join(' ');
    return new EngineError('ISOLATION_FAILED', message, { cause: error, isRefusal: error.isRefusal });
  }
}

function watchdogArguments(engineNames: SharedEngineNames, resolvers: readonly string[]): readonly string[] {
  const { chains, bridges } = engineNames;
  const { ipv4, ipv6 } = firewallRules(engineNames, resolvers);
  return [chains.forward, chains.input, chains.deny, bridges, ipv4, ipv6];
}

function watchdogCommand(args: readonly string[], mode: 'once' | 'watch'): HostCommand {
  return {
    what: 'install the isolation rules',
    argv: ['sh', '-c', WATCHDOG_SCRIPT, 'swiftor-guard', mode, ...args],
    capabilities: ['NET_ADMIN', 'NET_RAW'],
    network: 'host',
    isSpokenTo: mode === 'watch',
  };
}
