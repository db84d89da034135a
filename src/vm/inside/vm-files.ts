import { recordByAccess } from '../../audit/audit-store.ts';
import type { FileList, FileProblem, NewFile, OpenFile } from '../../engine/files.ts';
import type { Vm } from '../vm.ts';
import type { InsideDependencies } from './vm-terminals.ts';

/** Who reads or writes a file, and in which container. */
export interface FileRequest {
  readonly accessId: string;
  /** The client's address, for the audit. */
  readonly from: string;
  /** The container's engine id. */
  readonly ref: string;
  readonly path: string;
}

/** What is longer in the audit is cut. */
const MAX_AUDITED_PATH = 500;

/** Where the VM's files are: the paths of its volumes, the primary one first. */
export function rootsOf({ catalog }: Pick<InsideDependencies, 'catalog'>, { distribution }: Vm): readonly string[] {
  const volumes = catalog.distributions.get(distribution)?.volumes ?? [];
  return volumes
    .toSorted((one, other) => Number(other.name === 'primary') - Number(one.name === 'primary'))
    .map(({ path }) => path);
}

export function listVmFiles(
  { driverOf }: InsideDependencies,
  vm: Vm,
  { ref, path }: Pick<FileRequest, 'ref' | 'path'>,
  signal: AbortSignal,
): Promise<FileList | FileProblem> {
  return driverOf(vm.region).files.list(vm.id, ref, path, signal);
}

/** Opens a file, or a directory as an archive, with an audit row. 'no-access' if the access has ended. */
export async function openVmFile(
  deps: InsideDependencies,
  vm: Vm,
  { accessId, from, ref, path }: FileRequest,
  signal: AbortSignal,
): Promise<OpenFile | FileProblem | 'no-access'> {
  const opened = await deps.driverOf(vm.region).files.read(vm.id, ref, path, signal);
  if (typeof opened === 'string') return opened;
  try {
    const details = { path: path.slice(0, MAX_AUDITED_PATH) };
    if (await recordByAccess(deps.db, { vmId: vm.id, accessId, from }, 'FILE_READ', details)) return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
  await opened.close();
  return 'no-access';
}

/** Writes a file, with an audit row before. 'no-access' if the access has ended. Resolves to what went wrong. */
export async function writeVmFile(
  deps: InsideDependencies,
  vm: Vm,
  { accessId, from, ref, path }: FileRequest,
  content: NewFile,
  signal: AbortSignal,
): Promise<FileProblem | 'no-access' | undefined> {
  const details = { path: path.slice(0, MAX_AUDITED_PATH), bytes: content.bytes };
  if (!(await recordByAccess(deps.db, { vmId: vm.id, accessId, from }, 'FILE_WRITTEN', details))) return 'no-access';
  return deps.driverOf(vm.region).files.write(vm.id, ref, path, content, signal);
}
