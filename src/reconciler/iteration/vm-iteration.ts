import type { Distribution } from '../../catalog/distribution.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { MachineSpec, Observation } from '../../engine/machine.ts';
import type { Log } from '../../log.ts';
import type { Vm } from '../../vm/vm.ts';
import type { VmWriter } from './vm-writer.ts';

/** The signals of one iteration. */
export interface IterationSignals {
  /** Aborts when the desire changes, the lease is lost or about to expire, or the gateway ends. */
  readonly signal: AbortSignal;
  /** Aborts when something happened to the VM: its engine or a measurement marked it due. */
  readonly engineEvent: AbortSignal;
}

/** One iteration over one VM: what was read of it, and how to write about it while the lease holds. */
export interface VmIteration extends IterationSignals {
  readonly vm: Vm;
  /** The time by the database's clock, in ms since 1970. Comparable with the row's times, not with the engine's. */
  readonly now: () => number;
  /** Undefined when the catalog no longer has the VM's distribution. */
  readonly distribution: Distribution | undefined;
  /** Undefined when the catalog no longer has what the VM was ordered as. */
  readonly spec: MachineSpec | undefined;
  readonly driver: EngineDriver;
  readonly observed: Observation | undefined;
  readonly log: Log;
  readonly writer: VmWriter;
}
