/**
 * What relay-compiler compiles into `__generated__` (`npx relay-compiler` in the folder above). In an app, the plugin of
 * its bundler replaces each tag by its artifact; relay.ts imports the artifacts itself, to run without one.
 */
import { graphql } from 'relay-runtime';

export const vmsQuery = graphql`
  query documentsVmsQuery {
    vms(first: 100) @connection(key: "documents_vms") {
      edges {
        node {
          id
          vmlabel
          status
          lastEventSeq
        }
      }
    }
  }
`;

export const vmEventsSubscription = graphql`
  subscription documentsVmEventsSubscription($after: String) {
    vmEvents(after: $after, markers: true) {
      seq
      kind
      deletedVmId @deleteRecord
      vm {
        id
        vmlabel
        status
        lastEventSeq
      }
    }
  }
`;
