import { graphql, type ResultOf } from './graphql.ts';

export const VmAccess = graphql(`
  query VmAccess($id: ID!) {
    vm(id: $id) {
      openAccess {
        id
        role
        name
        isGuest
        openedAt
        address
        until
      }
    }
  }
`);

export const ShareVm = graphql(`
  mutation ShareVm($vmId: ID!, $role: AccessRole!, $for: String!) {
    shareVm(vmId: $vmId, role: $role, for: $for) {
      url
    }
  }
`);

export const EndAccess = graphql(`
  mutation EndAccess($vmId: ID!, $accessId: ID!) {
    endAccess(vmId: $vmId, accessId: $accessId) {
      lastEventSeq
    }
  }
`);

export type Access = NonNullable<ResultOf<typeof VmAccess>['vm']>['openAccess'][number];
