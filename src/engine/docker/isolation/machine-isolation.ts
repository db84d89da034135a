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

const GUARD_SCRIPT = readScript('guard');
/** Goes up with each change of the rules: of two gateways on one engine, the newer one's hold. */
const RULES_VERSION = 3;
const ASSERT_MILLISECONDS = 60_000;
/** How old the list of the engine's name servers may be: a laptop goes from network to network. */
const RESOLVERS_MILLISECONDS = 5 * 60_000;
/** Before looking again at what another gateway is changing. */
const ATTEMPTS = 5;

interface IsolationTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
  readonly host: HostCommands;
  /** Any of the machines': made before the rules, for its making turns the filtering of bridges on. */
  readonly network: MachineNetwork;
  readonly engineNames: SharedEngineNames;
  readonly endpoint: string;
  readonly log: Log;
}

/**
 * The walls around machines: rules in the firewall of the engine's host, put up by a container there, the guard, which all
 * installations on the engine share and which puts back within two seconds whatever is taken away. Not a network for each machine: the
 * engine's address ranges end at 30, and each costs a start 0.2 s.
 */
export class MachineIsolation {
  readonly #tools: IsolationTools;
  readonly #mode: 'on' | 'off';
  #guard: { readonly line: WatchdogConnection; readonly until: number } | undefined;
  #asserting: Promise<void> | undefined;
  readonly #closing = new AbortController();
  /** The rules that this gateway has once seen to. */
  #settled: string | undefined;

  constructor(tools: IsolationTools, mode: 'on' | 'off') {
    this.#tools = tools;
    this.#mode = mode;
  }

  /**
   * After it, the walls stand: the guard has looked at them since the call. Takes some 10 ms, or about a second when there was no guard.
   * Rejects with ISOLATION_FAILED where they cannot be had.
   */
  async require(signal: AbortSignal): Promise<'isolated' | 'open'> {
    if (this.#mode === 'off') return 'open';
    const guard = this.#guard;
    if (guard === undefined || !(await guard.line.ask(signal))) {
      await withDeadline(ASSERT_MILLISECONDS, signal, () => this.#assertOnce());
    } else if (performance.now() > guard.until) {
      // The rules stand; no start waits for newer ones.
      this.#guard = { ...guard, until: performance.now() + RESOLVERS_MILLISECONDS };
      this.#assertOnce().catch((error: unknown) => this.#tools.log.warn({ err: error }, 'the rules around VMs were not renewed'));
    }
    return 'isolated';
  }

  /** One assertion for all who ask meanwhile. */
  #assertOnce(): Promise<void> {
    this.#asserting ??= this.#assert(AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ASSERT_MILLISECONDS)])).finally(() => {
      this.#asserting = undefined;
    });
    return this.#asserting;
  }

  /** Resolves once nothing of an assertion under way is left on the engine. The walls stay. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#asserting?.catch(() => undefined);
    this.#guard?.line.close();
  }

  /** A line to that guard, which has answered on it; undefined when it does not. */
  async #reach(ref: string, signal: AbortSignal): Promise<WatchdogConnection | undefined> {
    try {
      const line = await WatchdogConnection.open(this.#tools, ref, signal);
      if (await line.ask(signal)) return line;
      line.close();
    } catch (error) {
      if (![404, 409, 500].includes(statusOf(error) ?? 0)) throw error;
    }
    return undefined;
  }

  async #assert(signal: AbortSignal): Promise<void> {
    const { network, log } = this.#tools;
    try {
      const [resolvers] = await Promise.all([this.#findResolvers(signal), network.ensureId(signal)]);
      const [line, isNew] = await this.#postGuard(resolvers, signal);
      this.#guard?.line.close();
      this.#guard = { line, until: performance.now() + RESOLVERS_MILLISECONDS };
      if (isNew) log.info({ resolvers }, 'VMs are walled off from each other, the host and private networks');
    } catch (error) {
      throw this.#toFailure(error);
    }
  }

  /** A line to the guard, with whether it was made now. Its rules were put up once before, so that a reason why not is heard. */
  async #postGuard(resolvers: readonly string[] | undefined, signal: AbortSignal): Promise<[line: WatchdogConnection, isNew: boolean]> {
    const { containers, host, engineNames } = this.#tools;
    const args = guardArguments(engineNames, resolvers ?? []);
    const label = `${RULES_VERSION}-${createHash('sha256')
      .update(JSON.stringify([GUARD_SCRIPT, ...args]))
      .digest('hex')
      .slice(0, 12)}`;
    for (let attempt = 1; ; attempt += 1) {
      const present = await containers.inspect(engineNames.guard, signal);
      const posted = present?.Config.Labels?.[LABEL.guard] ?? '';
      if (present !== undefined && posted === '') {
        throw new EngineError('ISOLATION_FAILED', `the name "${engineNames.guard}" is taken by a foreign container: rename or remove it`);
      }
      const version = Number.parseInt(posted, 10);
      // Insisted on once, and again only when the name servers changed: two gateways that differ would replace each other's for ever.
      const insists = resolvers !== undefined && label !== this.#settled;
      const fits = posted === label || version > RULES_VERSION || (version === RULES_VERSION && !insists);
      const reached = present?.State.Running && fits ? await this.#reach(present.Id, signal) : undefined;
      if (reached !== undefined) {
        this.#settled = label;
        return [reached, false];
      }
      const output = await host.run(guardCommand(args, 'once'), signal);
      if (output.exitCode !== 0) throw new EngineError('ISOLATION_FAILED', output.stderr.trim() || 'the rules were not taken');
      if (present !== undefined) await containers.remove(present.Id, signal);
      const watch = guardCommand(args, 'watch');
      try {
        const made = await host.create(watch, { [LABEL.guard]: label }, engineNames.guard, signal, { AutoRemove: true });
        await host.start(made, watch, signal);
        const line = await this.#reach(made.id, signal);
        if (line !== undefined) {
          this.#settled = label;
          return [line, true];
        }
        if (attempt === ATTEMPTS) throw new EngineError('ISOLATION_FAILED', 'what keeps the rules up ends as soon as it was started');
      } catch (error) {
        // Another gateway was quicker to make it, or took ours for a dead one.
        if (![404, 409].includes(statusOf(error) ?? 0) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** The name servers that the engine gives its containers: what one on its default network is told; undefined when none can be there. */
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
      log.warn({ err: error }, "the engine's name servers are not known: VMs cannot use one on a private address");
      return undefined;
    }
  }

  #toFailure(error: unknown): unknown {
    if (!(error instanceof EngineError) || error.code === 'ENGINE_UNREACHABLE' || error.code === 'ENGINE_TIMEOUT') return error;
    // Whoever asks for the gateway's health reads this: where the engine is concerns its operator alone, who has the log.
    const reason = error.message.replaceAll(` at ${this.#tools.endpoint}`, '').replace(/\.$/, '');
    const message = [
      `VMs cannot be walled off on the engine, so none is started there: ${reason}.`,
      'Its operator has to see to it that the host has iptables and that containers may have NET_ADMIN on its network;',
      'on a machine that nobody else uses, VM_ISOLATION=off goes without.',
    ].join(' ');
    return new EngineError('ISOLATION_FAILED', message, { cause: error, isRefusal: error.isRefusal });
  }
}

function guardArguments(engineNames: SharedEngineNames, resolvers: readonly string[]): readonly string[] {
  const { chains, bridges } = engineNames;
  const { ipv4, ipv6 } = firewallRules(engineNames, resolvers);
  return [chains.forward, chains.input, chains.deny, bridges, ipv4, ipv6];
}

function guardCommand(args: readonly string[], mode: 'once' | 'watch'): HostCommand {
  return {
    what: 'put up the firewall rules around VMs',
    argv: ['sh', '-c', GUARD_SCRIPT, 'swiftor-guard', mode, ...args],
    capabilities: ['NET_ADMIN', 'NET_RAW'],
    network: 'host',
    isSpokenTo: mode === 'watch',
  };
}
