import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.ts';
import type { Listener } from '../db/listen.ts';
import type { BootProgress } from '../events/boot-progress.ts';
import type { EventStreams } from '../events/event-streams.ts';
import type { Log } from '../log.ts';
import type { InsideDependencies } from '../vm/inside/vm-terminals.ts';
import type { BuiltFiles } from '../http/response/built-files.ts';
import type { VmDependencies } from '../vm/commands/vm-command.ts';
import { Refusals } from './access/refusals.ts';
import { Tickets } from './access/tickets.ts';
import { InsidePaths } from './inside/inside-paths.ts';
import { OwnPaths } from './own-paths.ts';
import type { Dial } from './proxy/app-pools.ts';
import { IngressProxy } from './proxy/ingress-proxy.ts';
import { RouteCache } from './routing/route-cache.ts';
import { AppSignIns } from './sign-in/app-sign-ins.ts';
import { BootPageEvents } from './waiting/boot-page-events.ts';
import { BootPage } from './waiting/boot-page.ts';

interface VmIngressOptions extends VmDependencies, InsideDependencies {
  /** What `loadBuiltFiles` has of the pages that have scripts. */
  readonly files: BuiltFiles | undefined;
  /** Of the dashboard; undefined without one. */
  readonly dashboardUrl: string | undefined;
  readonly publicScheme: Config['publicScheme'];
  readonly listener: Listener;
  readonly streams: EventStreams;
  readonly bootProgress: BootProgress;
  readonly addressOf: (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string;
  /** How often one network is refused, at most. */
  readonly refusalsPerSecond: number;
  readonly log: Log;
}

/** Serves the addresses of VMs: composes the parts of the ingress. */
export class VmIngress {
  readonly proxy: IngressProxy;
  readonly ownPaths: OwnPaths;
  readonly #routes: RouteCache;
  readonly #inside: InsidePaths;

  constructor(options: VmIngressOptions) {
    const { publicScheme, streams, addressOf, refusalsPerSecond, log } = options;
    const refusals = new Refusals({ addressOf, perSecond: refusalsPerSecond });
    const tickets = new Tickets({ secretBox: options.secretBox, secure: publicScheme === 'https' });
    const routes = new RouteCache({ ...options, tickets });
    const bootPage = new BootPage(options);
    const signIns = new AppSignIns(options);
    const bootPageEvents = new BootPageEvents({ streams, routes, bootPage, addressOf });
    this.#routes = routes;
    this.#inside = new InsidePaths({ ...options, tickets, routes, bootPage });
    const dial: Dial = (target) => options.driverOf(target.region).dial(target);
    this.proxy = new IngressProxy({ routes, refusals, bootPage, signIns, log, publicScheme, addressOf, dial });
    this.ownPaths = new OwnPaths({
      ...options,
      tickets,
      routes,
      refusals,
      bootPage,
      bootPageEvents,
      inside: this.#inside,
    });
  }

  /** Ends everything that runs on a container, because the engine reports that it is gone. */
  dropContainer(vmId: string, ref: string): void {
    this.#routes.dropContainer(vmId, ref);
  }

  /** Ends terminals and the WebSockets to apps, but no requests. */
  endStreams(): void {
    this.#inside.terminals.endAll();
    this.proxy.endWebSockets();
  }

  close(): void {
    this.#inside.close();
    this.proxy.close();
    this.#routes.close();
  }
}
