import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.ts';
import type { Listener } from '../db/listen.ts';
import type { EventStreams } from '../events/event-streams.ts';
import type { BootProgress } from '../events/boot-progress.ts';
import type { Log } from '../log.ts';
import type { VmDependencies } from '../vm/commands/vm-command.ts';
import { createHostTable, type HostTable } from './routing/host-table.ts';
import { createOwnPaths, type OwnPaths } from './own-paths.ts';
import { createIngress, type Ingress } from './proxy/proxy.ts';
import { createTickets } from './access/tickets.ts';
import { createWaitingEvents } from './waiting/waiting-events.ts';
import { createWaitingRoom } from './waiting/waiting-room.ts';

/** All that serves the addresses of VMs. */
export interface VmIngress {
  readonly proxy: Ingress;
  readonly ownPaths: OwnPaths;
  readonly dropContainer: HostTable['dropContainer'];
  /** Ends the WebSockets to apps; requests go on. */
  endStreams(): void;
  close(): void;
}

interface VmIngressOptions extends VmDependencies {
  readonly publicScheme: Config['publicScheme'];
  readonly listener: Listener;
  readonly streams: EventStreams;
  readonly bootProgress: BootProgress;
  readonly addressOf: (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string;
  readonly log: Log;
}

export function createVmIngress(options: VmIngressOptions): VmIngress {
  const { publicScheme, streams, addressOf, log } = options;
  const tickets = createTickets({ ...options, secure: publicScheme === 'https' });
  const hosts = createHostTable({ ...options, tickets });
  const room = createWaitingRoom(options);
  const serveEvents = createWaitingEvents({ streams, hosts, room });
  const proxy = createIngress({ resolve: hosts.resolve, room, log, publicScheme, addressOf });
  return {
    proxy,
    ownPaths: createOwnPaths({ tickets, hosts, room, serveEvents, log }),
    dropContainer: hosts.dropContainer,
    endStreams: () => proxy.endWebSockets(),
    close() {
      proxy.close();
      hosts.close();
    },
  };
}
