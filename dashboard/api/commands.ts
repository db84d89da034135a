import { graphql } from './graphql.ts';

export const StartVm = graphql(`
  mutation StartVm($id: ID!) {
    vm: startVm(id: $id) {
      lastEventSeq
    }
  }
`);

export const StopVm = graphql(`
  mutation StopVm($id: ID!) {
    vm: stopVm(id: $id) {
      lastEventSeq
    }
  }
`);

export const RestartVm = graphql(`
  mutation RestartVm($id: ID!) {
    vm: restartVm(id: $id) {
      lastEventSeq
    }
  }
`);

export const DeleteVm = graphql(`
  mutation DeleteVm($id: ID!) {
    deleteVm(id: $id)
  }
`);

export const OpenVm = graphql(`
  mutation OpenVm($vmId: ID!, $name: String) {
    openVm(vmId: $vmId, name: $name) {
      url
    }
  }
`);
