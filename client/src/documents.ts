import { graphql } from './graphql.ts';

const VmFields = graphql(`
  fragment VmFields on Vm {
    id
    vmlabel
    region
    os {
      distribution
      desktop
    }
    specs {
      cpu
      ram
      storage
    }
    enabled
    status
    progress {
      percent
      message
      bytesDone
      bytesTotal
    }
    lastFailure {
      step
      code
      message
      exitCode
      oomKilled
      logTail
      at
      retryAt
    }
    url
    networking {
      id
      name
      internalPort
      url
      visibility
    }
    ports {
      id
      protocol
      internalPort
      publicPort
      address
    }
    createdAt
    startedAt
    observedAt
  }
`);

export const VmEvents = graphql(
  `
    subscription VmEvents($vmId: ID, $after: String) {
      vmEvents(vmId: $vmId, after: $after, markers: true) {
        seq
        kind
        vmId
        status
        previousStatus
        reason
        at
        vm {
          ...VmFields
        }
      }
    }
  `,
  [VmFields],
);

export const CreateVm = graphql(
  'mutation CreateVm($input: CreateVmInput!) { vm: createVm(input: $input) { ...VmFields } }',
  [VmFields],
);

export const UpdateVm = graphql(
  'mutation UpdateVm($input: UpdateVmInput!) { vm: updateVm(input: $input) { ...VmFields } }',
  [VmFields],
);

export const StartVm = graphql('mutation StartVm($id: ID!) { vm: startVm(id: $id) { ...VmFields } }', [VmFields]);

export const StopVm = graphql('mutation StopVm($id: ID!) { vm: stopVm(id: $id) { ...VmFields } }', [VmFields]);

export const RestartVm = graphql('mutation RestartVm($id: ID!) { vm: restartVm(id: $id) { ...VmFields } }', [VmFields]);

export const DeleteVm = graphql('mutation DeleteVm($id: ID!) { id: deleteVm(id: $id) }');

export const SetSecret = graphql(
  'mutation SetSecret($input: SetSecretInput!) { secret: setSecret(input: $input) { vm { ...VmFields } } }',
  [VmFields],
);

export const DeleteSecret = graphql(
  'mutation DeleteSecret($vmId: ID!, $key: String!) { vm: deleteSecret(vmId: $vmId, key: $key) { ...VmFields } }',
  [VmFields],
);

export const AddSubdomain = graphql(
  'mutation AddSubdomain($input: AddSubdomainInput!) { mapping: addSubdomain(input: $input) { vm { ...VmFields } } }',
  [VmFields],
);

export const RemoveSubdomain = graphql(
  `
    mutation RemoveSubdomain($vmId: ID!, $name: String!) {
      vm: removeSubdomain(vmId: $vmId, name: $name) {
        ...VmFields
      }
    }
  `,
  [VmFields],
);

export const AddPort = graphql(
  'mutation AddPort($input: AddPortInput!) { port: addPort(input: $input) { vm { ...VmFields } } }',
  [VmFields],
);

export const RemovePort = graphql(
  `
    mutation RemovePort($vmId: ID!, $protocol: PortProtocol!, $internalPort: Int!) {
      vm: removePort(vmId: $vmId, protocol: $protocol, internalPort: $internalPort) {
        ...VmFields
      }
    }
  `,
  [VmFields],
);

export const OpenVm = graphql(`
  mutation OpenVm($vmId: ID!, $name: String, $accessFor: String, $signIn: Boolean) {
    link: openVm(vmId: $vmId, name: $name, accessFor: $accessFor, signIn: $signIn) {
      url
      linkUntil
      accessUntil
    }
  }
`);

export const ShareVm = graphql(`
  mutation ShareVm($vmId: ID!, $name: String, $role: AccessRole!, $for: String!) {
    link: shareVm(vmId: $vmId, name: $name, role: $role, for: $for) {
      url
      linkUntil
      accessUntil
    }
  }
`);
