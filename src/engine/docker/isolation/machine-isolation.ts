import { isIPv4 } from 'node:net';
import { withDeadline } from '../../../lib/concurrency/with-deadline.ts';
import type { Log } from '../../../log.ts';
import type { IsolationState } from '../../engine-reports.ts';
import { EngineError } from '../../engine-error.ts';
import { parseResolvers } from './firewall-rules.ts';
import { Watchdog, type WatchdogTools } from './watchdog.ts';
import type { WatchdogConnection } from './watchdog-connection.ts';
import type { MachineNetwork } from './network.ts';
import { parseUnheld } from './shared-limits.ts';

const ASSERT_MILLISECONDS = 60_000;
/** Maximum age of the name server list. Name servers change, for example when a laptop changes networks. */
const RESOLVERS_MILLISECONDS = 5 * 60_000;

interface IsolationTools extends WatchdogTools {
  /** One of the machines' networks. Created before the rules, because its creation enables bridge filtering. */
  readonly network: MachineNetwork;
  /** IPv4 addresses of hosts that machines may not reach, such as the other nodes of a cluster. */
  readonly peers: () => readonly string[];
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
  readonly #watchdog: Watchdog;
  #current: { readonly connection: WatchdogConnection; readonly until: number; readonly peers: string } | undefined;
  #asserting: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(tools: IsolationTools, mode: 'on' | 'off') {
    this.#tools = tools;
    this.#mode = mode;
    this.#watchdog = new Watchdog(tools);
  }

  /**
   * Resolves once the watchdog has checked the rules, after the call. Takes about 10 ms, or a second if there was no
   * watchdog. Rejects with ISOLATION_FAILED if the rules cannot be installed.
   */
  async require(signal: AbortSignal): Promise<IsolationState> {
    if (this.#mode === 'off') return 'open';
    const current = this.#current;
    const isOutdated = current?.peers !== this.#peers().join();
    if (current === undefined || isOutdated || !(await current.connection.ask(signal))) {
      await withDeadline(ASSERT_MILLISECONDS, signal, () => this.#assertOnce());
    } else if (performance.now() > current.until) {
      // The current rules hold. Renew them in the background, so that no start waits.
      this.#current = { ...current, until: performance.now() + RESOLVERS_MILLISECONDS };
      this.#assertOnce().catch((error: unknown) =>
        this.#tools.log.warn({ err: error }, 'failed to renew the isolation rules'),
      );
    }
    const unheld = parseUnheld(this.#current?.connection.report ?? '');
    return unheld.length === 0 ? 'isolated' : { unheld };
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
    this.#current?.connection.close();
  }

  async #assert(signal: AbortSignal): Promise<void> {
    const { network, log } = this.#tools;
    const peers = this.#peers();
    try {
      const [resolvers] = await Promise.all([this.#findResolvers(signal), network.ensureId(signal)]);
      const [connection, isNew] = await this.#watchdog.ensure(resolvers, peers, signal);
      this.#current?.connection.close();
      this.#current = { connection, until: performance.now() + RESOLVERS_MILLISECONDS, peers: peers.join() };
      if (isNew) log.info({ resolvers }, 'VMs are isolated from each other, the host and private networks');
    } catch (error) {
      throw this.#toFailure(error);
    }
  }

  #peers(): readonly string[] {
    return this.#tools.peers().filter(isIPv4).toSorted();
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
