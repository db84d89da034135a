import { graphql, type ResultOf } from './graphql.ts';

/** What the page keeps of each VM. Every event carries it, so that no screen waits for another request. */
export const VmFields = graphql(`
  fragment VmFields on Vm {
    id
    vmlabel
    region
    status
    enabled
    createdAt
    startedAt
    observedAt
    lastEventSeq
    changeUndone
    url
    storageUsedGb
    storageGb
    scratchUsedGb
    scratchLimitGb
    os {
      distribution
      desktop
    }
    specs {
      cpu
      ram
      storage
    }
    progress {
      percent
      message
      bytesDone
      bytesTotal
    }
    boot {
      steps {
        attempt
        seconds
        startedAt
        status
      }
    }
    lastFailure {
      at
      code
      exitCode
      logTail
      message
      oomKilled
      retryAt
      step
    }
  }
`);

export type Vm = ResultOf<typeof VmFields>;
export type VmStatus = Vm['status'];
export type VmFailure = NonNullable<Vm['lastFailure']>;
