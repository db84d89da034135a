import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import type { MachineSpec, Observation } from '../../../src/engine/machine.ts';
import { dialTcp } from '../../../src/lib/dial-tcp.ts';

/** An engine for tests of what is above it: its machines are entries of a map, and one app stands for all of theirs. */
export class MemoryEngine implements AsyncDisposable {
  readonly machines = new Map<string, Observation>();
  /** How often each machine was observed. */
  readonly observed = new Map<string, number>();
  /** Starts wait for it. */
  mayStart: Promise<void> = Promise.resolve();
  /** What the app answers. */
  status = 200;
  #starts = 0;
  readonly #app = createServer((_request, response) => void response.writeHead(this.status).end());

  static async open(): Promise<MemoryEngine> {
    const engine = new MemoryEngine();
    await new Promise<void>((resolve) => engine.#app.listen(0, '127.0.0.1', resolve));
    return engine;
  }

  /** Of the contract only what a VM needs to come up and go down: no list of all, which a cluster makes long. */
  get driver(): EngineDriver {
    const driver: Partial<EngineDriver> = {
      ensure: async (spec) => {
        await this.mayStart;
        return this.#start(spec);
      },
      removeOthers: async () => undefined,
      stop: async (id) => void this.machines.delete(id),
      remove: async (id) => void this.machines.delete(id),
      observe: async (id) => {
        this.observed.set(id, this.timesObserved(id) + 1);
        return this.machines.get(id);
      },
      listNode: async () => [...this.machines.values()],
      dial: (): Socket => dialTcp({ host: '127.0.0.1', port: (this.#app.address() as AddressInfo).port }),
    };
    return driver as EngineDriver;
  }

  timesObserved(id: string): number {
    return this.observed.get(id) ?? 0;
  }

  #start({ id, hash, imageRef: reference }: MachineSpec): Observation {
    const image = { reference, id: `sha256:${'0'.repeat(64)}` };
    this.#starts += 1;
    const address = `10.0.0.${this.#starts}`;
    const machine = { id, ref: randomUUID(), hash, state: 'running', address, image, oomKilled: false } as const;
    this.machines.set(id, machine);
    return machine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#app.closeAllConnections();
    await new Promise((resolve) => this.#app.close(resolve));
  }
}
