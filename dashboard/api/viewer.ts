import { graphql } from './graphql.ts';

/** Whether the gateway accepts a token. */
export const Viewer = graphql(`
  query Viewer {
    me {
      userId
    }
  }
`);
