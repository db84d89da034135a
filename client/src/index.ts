export { createSwiftorClient, type SwiftorClient } from './create-client.ts';
export type {
  AddPortInput,
  AddSubdomainInput,
  CreateVmInput,
  OpenVmInput,
  RemovePortInput,
  SetSecretInput,
  ShareVmInput,
  UpdateVmInput,
} from './inputs.ts';
export type { SwiftorClientOptions, Token } from './options.ts';
export type { TypedDocument } from './request.ts';
export { SwiftorError, type ErrorDetails } from './swiftor-error.ts';
export type {
  OpenLink,
  PortForward,
  SubdomainMapping,
  Vm,
  VmChange,
  VmFailure,
  VmProgress,
  VmsState,
  VmStatus,
} from './vm.ts';
