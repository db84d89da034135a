import { graphql, type ResultOf } from './graphql.ts';

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
      storageEnforcement
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

/** Asked only to show a value: the audit records each read. */
export const VmSecretValue = graphql(`
  query VmSecretValue($id: ID!, $key: String!) {
    vm(id: $id) {
      secret(key: $key) {
        value
      }
    }
  }
`);

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

/** What a VM used in the last hour, oldest first. */
export const StatsHistory = graphql(`
  query StatsHistory($id: ID!) {
    vm(id: $id) {
      statsHistory {
        at
        cpuPercent
        memoryBytes
        memoryLimitBytes
        networkRxBytes
        networkTxBytes
      }
    }
  }
`);

/** What has happened to a VM, the newest first. */
export const VmHistory = graphql(`
  query VmHistory($id: ID!, $after: String) {
    vm(id: $id) {
      events(first: 50, after: $after) {
        nodes {
          seq
          kind
          status
          previousStatus
          reason
          at
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`);
export type HistoryEvent = NonNullable<ResultOf<typeof VmHistory>['vm']>['events']['nodes'][number];

export const Audit = graphql(`
  query Audit($after: String, $vmId: ID, $actions: [AuditAction!]) {
    me {
      audit(first: 50, after: $after, vmId: $vmId, actions: $actions) {
        nodes {
          id
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

/** How each entry of the catalog would get to a region. */
export const Availability = graphql(`
  query Availability($region: String!) {
    distributions {
      code
      availability(region: $region)
    }
  }
`);
export type ImageAvailability = ResultOf<typeof Availability>['distributions'][number]['availability'];

/** Why a VM could not be created and started, in the words of the API. */
export const Preflight = graphql(`
  query Preflight($cpu: Int!, $ram: Int!, $without: ID) {
    me {
      violations(cpu: $cpu, ram: $ram, without: $without) {
        message
      }
    }
  }
`);
