import { graphql, type ResultOf } from './graphql.ts';
import { VmFields } from './vm-fields.ts';

export const VmEvents = graphql(
  `
    subscription VmEvents($after: String) {
      vmEvents(after: $after, markers: true) {
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
export type VmEvent = ResultOf<typeof VmEvents>['vmEvents'];
