import { graphql, type ResultOf } from './graphql.ts';

/** The events of one VM that are still stored, then each new one. */
export const VmHistory = graphql(`
  subscription VmHistory($vmId: ID!, $after: String!) {
    vmEvents(vmId: $vmId, after: $after) {
      seq
      kind
      status
      previousStatus
      reason
      at
    }
  }
`);
export type HistoryEvent = ResultOf<typeof VmHistory>['vmEvents'];

export const VmLogs = graphql(`
  subscription VmLogs($vmId: ID!) {
    vmLogs(vmId: $vmId, tail: 1000) {
      at
      stream
      text
    }
  }
`);
export type LogLine = ResultOf<typeof VmLogs>['vmLogs'];

export const VmStats = graphql(`
  subscription VmStats($vmId: ID!) {
    vmStats(vmId: $vmId) {
      at
      cpuPercent
      memoryBytes
      memoryLimitBytes
      networkRxBytes
      networkTxBytes
    }
  }
`);
export type Sample = ResultOf<typeof VmStats>['vmStats'];
