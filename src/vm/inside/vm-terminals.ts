import { recordByAccess } from '../../audit/audit-store.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Db } from '../../db/database.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { MachineTerminal, ProgramProblem, TerminalSize } from '../../engine/programs.ts';
import { PASSWORD_KEY } from '../../secrets/secret-store.ts';
import type { Vm } from '../vm.ts';

export interface InsideDependencies {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly driverOf: (region: string) => EngineDriver;
}

/** Who opens a terminal, and in which container. */
export interface TerminalRequest {
  readonly accessId: string;
  /** The client's address, for the audit. */
  readonly from: string;
  /** The container's engine id. */
  readonly ref: string;
  readonly size: TerminalSize;
}

/**
 * Opens a terminal in the VM's container for the holder of an access, with an audit row. The shell does not get the
 * VM's password. 'no-access' if the access has ended. The caller closes the terminal.
 */
export async function openVmTerminal(
  { db, catalog, driverOf }: InsideDependencies,
  vm: Vm,
  { accessId, from, ref, size }: TerminalRequest,
  signal: AbortSignal,
): Promise<MachineTerminal | ProgramProblem | 'no-access'> {
  const entry = catalog.distributions.get(vm.distribution);
  const hidden = [PASSWORD_KEY, ...(entry?.passwordVariables ?? [])];
  const options = { size, hidden, user: entry?.shellUser };
  const terminal = await driverOf(vm.region).openTerminal(vm.id, ref, options, signal);
  if (typeof terminal === 'string') return terminal;
  try {
    if (await recordByAccess(db, { vmId: vm.id, accessId, from }, 'TERMINAL_OPENED', {})) return terminal;
  } catch (error) {
    terminal.close();
    throw error;
  }
  terminal.close();
  return 'no-access';
}
