import { graphql, type ResultOf } from './graphql.ts';

export const VmLogs = graphql(`
  subscription VmLogs($vmId: ID!, $after: String) {
    vmLogs(vmId: $vmId, tail: 1000, after: $after) {
      at
      cursor
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
