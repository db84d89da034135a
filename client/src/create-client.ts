import * as documents from './documents.ts';
import { followEvents, type VmEvent } from './watch/follow-events.ts';
import { followVm } from './watch/follow-vm.ts';
import type * as inputs from './inputs.ts';
import { iterateStates, type Run } from './watch/iterate-states.ts';
import type { SwiftorClientOptions } from './options.ts';
import { sendRequest, type TypedDocument } from './request.ts';
import { openSocket } from './watch/socket.ts';
import type { OpenLink, Vm, VmsState, VmStatus } from './vm.ts';
import { VmList } from './watch/vm-list.ts';
import { waitFor } from './watch/wait-for.ts';

interface Abortable {
  readonly signal?: AbortSignal;
}

/** The VMs of an account on a gateway. Its methods can be called detached. */
export interface SwiftorClient {
  /**
   * The state of all VMs: first as it is, also when there are none, then after each change. Goes on by itself after
   * cuts, restarts of the gateway and renewals of the token, and misses no change.
   */
  readonly watchVms: (options?: Abortable) => AsyncGenerator<VmsState, void>;
  /** The state of one VM in the same way, until it is deleted. */
  readonly watchVm: (vmId: string, options?: Abortable) => AsyncGenerator<Vm, void>;
  /** Resolves to the VM once it has this status, or one of these; see the errors in the README. */
  readonly waitFor: (vmId: string, status: VmStatus | readonly VmStatus[], signal: AbortSignal) => Promise<Vm>;
  /** Sends any query or mutation. */
  readonly request: <Result, Variables>(
    document: TypedDocument<Result, Variables>,
    variables: Variables,
    options?: Abortable,
  ) => Promise<Result>;
  readonly createVm: (input: inputs.CreateVmInput) => Promise<Vm>;
  readonly updateVm: (input: inputs.UpdateVmInput) => Promise<Vm>;
  readonly startVm: (id: string) => Promise<Vm>;
  readonly stopVm: (id: string) => Promise<Vm>;
  readonly restartVm: (id: string) => Promise<Vm>;
  /** Resolves to the id as soon as the deletion has been accepted. */
  readonly deleteVm: (id: string) => Promise<string>;
  readonly setSecret: (input: inputs.SetSecretInput) => Promise<Vm>;
  readonly deleteSecret: (vmId: string, key: string) => Promise<Vm>;
  readonly addSubdomain: (input: inputs.AddSubdomainInput) => Promise<Vm>;
  readonly removeSubdomain: (vmId: string, name: string) => Promise<Vm>;
  readonly addPort: (input: inputs.AddPortInput) => Promise<Vm>;
  readonly removePort: (input: inputs.RemovePortInput) => Promise<Vm>;
  /** A one-time link that opens an address of the VM in a browser of the user. */
  readonly openVm: (input: inputs.OpenVmInput) => Promise<OpenLink>;
  /** A one-time link that opens an address of the VM for somebody else. */
  readonly shareVm: (input: inputs.ShareVmInput) => Promise<OpenLink>;
}

/** A client of a gateway. It connects when something is watched, and closes the connection when nothing is any more. */
export function createSwiftorClient(options: SwiftorClientOptions): SwiftorClient {
  const socket = openSocket(options);
  const request: SwiftorClient['request'] = (document, variables, { signal } = {}) =>
    sendRequest(options, document, variables, signal);

  return {
    watchVms({ signal } = {}) {
      const list = new VmList();
      const run: Run<VmsState> = (changed, ending) => {
        const onEvent = (event: VmEvent): boolean => {
          const outcome = list.apply(event);
          if (outcome === 'changed') changed(() => list.take());
          return outcome !== 'gap';
        };
        return followEvents(socket, { begin: () => list.begin(), onEvent }, ending);
      };
      return iterateStates(run, signal);
    },
    watchVm(vmId, { signal } = {}) {
      const run: Run<Vm> = (changed, ending) => followVm(socket, { vmId, onVm: (vm) => changed(() => vm) }, ending);
      return iterateStates(run, signal);
    },
    waitFor: (vmId, status, signal) => waitFor(socket, vmId, [status].flat(), signal),
    request,
    createVm: async (input) => (await request(documents.CreateVm, { input })).vm,
    updateVm: async (input) => (await request(documents.UpdateVm, { input })).vm,
    startVm: async (id) => (await request(documents.StartVm, { id })).vm,
    stopVm: async (id) => (await request(documents.StopVm, { id })).vm,
    restartVm: async (id) => (await request(documents.RestartVm, { id })).vm,
    deleteVm: async (id) => (await request(documents.DeleteVm, { id })).id,
    setSecret: async (input) => (await request(documents.SetSecret, { input })).secret.vm,
    deleteSecret: async (vmId, key) => (await request(documents.DeleteSecret, { vmId, key })).vm,
    addSubdomain: async (input) => (await request(documents.AddSubdomain, { input })).mapping.vm,
    removeSubdomain: async (vmId, name) => (await request(documents.RemoveSubdomain, { vmId, name })).vm,
    addPort: async (input) => (await request(documents.AddPort, { input })).port.vm,
    removePort: async (input) => (await request(documents.RemovePort, input)).vm,
    openVm: async (input) => (await request(documents.OpenVm, input)).link,
    shareVm: async (input) => (await request(documents.ShareVm, input)).link,
  };
}
