import { graphql } from './graphql.ts';

export const CreateVm = graphql(`
  mutation CreateVm($input: CreateVmInput!) {
    createVm(input: $input) {
      id
    }
  }
`);

export const UpdateVm = graphql(`
  mutation UpdateVm($input: UpdateVmInput!) {
    updateVm(input: $input) {
      id
    }
  }
`);

export const SetSecrets = graphql(`
  mutation SetSecrets($input: SetSecretsInput!) {
    setSecrets(input: $input) {
      id
    }
  }
`);

export const AddSubdomain = graphql(`
  mutation AddSubdomain($input: AddSubdomainInput!) {
    addSubdomain(input: $input) {
      url
    }
  }
`);

export const RemoveSubdomain = graphql(`
  mutation RemoveSubdomain($vmId: ID!, $name: String!) {
    removeSubdomain(vmId: $vmId, name: $name) {
      id
    }
  }
`);

export const AddPort = graphql(`
  mutation AddPort($input: AddPortInput!) {
    addPort(input: $input) {
      address
    }
  }
`);

export const RemovePort = graphql(`
  mutation RemovePort($vmId: ID!, $internalPort: Int!, $protocol: PortProtocol!) {
    removePort(vmId: $vmId, internalPort: $internalPort, protocol: $protocol) {
      id
    }
  }
`);
