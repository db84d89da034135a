import { graphql, type ResultOf } from './graphql.ts';

/** Asked once for all screens, and again when something that it says may have changed. */
export const Desk = graphql(`
  query Desk {
    me {
      userId
      plan {
        ...PlanFields
      }
      usage {
        cpu
        ram
        storageGb
        concurrentVms
        vms
      }
    }
    regions {
      code
      name
      available
    }
    plans {
      ...PlanFields
    }
    distributions {
      code
      name
      kind
      description
      desktops
      deprecated
      portForwarding
      ports {
        from
        to
        protocol
      }
      images {
        desktop
        standIn
      }
    }
    vms(first: 1) {
      totalCount
    }
  }
  fragment PlanFields on Plan {
    code
    name
    cpu
    ram
    storageGb
    concurrentVms
    vms
  }
`);
export type DeskData = ResultOf<typeof Desk>;
export type Plan = DeskData['me']['plan'];
export type Usage = DeskData['me']['usage'];
export type Region = DeskData['regions'][number];
export type Distribution = DeskData['distributions'][number];

export const UsageNow = graphql(`
  query UsageNow {
    me {
      usage {
        cpu
        ram
        storageGb
        concurrentVms
        vms
      }
    }
  }
`);

/** How many snapshots a new subscription begins with. */
export const VmCount = graphql(`
  query VmCount {
    vms(first: 1) {
      totalCount
    }
  }
`);

/** Why a start would be refused or fail now. */
export const StartProblems = graphql(`
  query StartProblems($id: ID!) {
    vm(id: $id) {
      startViolations {
        message
      }
      startProblems {
        code
        message
        action
      }
    }
  }
`);

/** What a deletion takes along. */
export const Belongings = graphql(`
  query Belongings($id: ID!) {
    vm(id: $id) {
      storageUsedGb
      secrets {
        key
      }
      networking {
        name
      }
      ports {
        publicPort
      }
    }
  }
`);

export const VmSecretKeys = graphql(`
  query VmSecretKeys($id: ID!) {
    vm(id: $id) {
      secrets {
        key
        updatedAt
      }
    }
  }
`);
export type SecretKey = NonNullable<ResultOf<typeof VmSecretKeys>['vm']>['secrets'][number];

export const VmNetwork = graphql(`
  query VmNetwork($id: ID!) {
    vm(id: $id) {
      url
      networking {
        name
        internalPort
        url
        visibility
      }
      ports {
        address
        internalPort
        publicPort
        protocol
      }
    }
  }
`);
export type Network = NonNullable<ResultOf<typeof VmNetwork>['vm']>;

export const Audit = graphql(`
  query Audit($after: String) {
    me {
      audit(first: 50, after: $after) {
        nodes {
          action
          actor
          address
          at
          count
          vmId
          vmlabel
          details {
            name
            value
          }
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`);
export type AuditEntry = ResultOf<typeof Audit>['me']['audit']['nodes'][number];
