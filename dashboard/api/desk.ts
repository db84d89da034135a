import { graphql, type ResultOf } from './graphql.ts';

const UsageFields = graphql(`
  fragment UsageFields on Usage {
    cpu
    ram
    storageGb
    concurrentVms
    vms
  }
`);

/** Asked once for all screens, and again when something that it says may have changed. */
export const Desk = graphql(
  `
    query Desk {
      gateway {
        version
        regionsChangedAt
      }
      me {
        userId
        plan {
          ...PlanFields
        }
        usage {
          ...UsageFields
        }
      }
      regions {
        code
        name
        available
        problem
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
        sizeMb
        minimum {
          cpu
          ram
        }
        recommended {
          cpu
          ram
        }
        keeps
        signIn {
          user
        }
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
  `,
  [UsageFields],
);
export type DeskData = ResultOf<typeof Desk>;
export type Plan = DeskData['me']['plan'];
export type Usage = DeskData['me']['usage'];
export type Region = DeskData['regions'][number];
export type Distribution = DeskData['distributions'][number];

export const UsageNow = graphql(
  `
    query UsageNow {
      gateway {
        regionsChangedAt
      }
      me {
        usage {
          ...UsageFields
        }
      }
    }
  `,
  [UsageFields],
);
