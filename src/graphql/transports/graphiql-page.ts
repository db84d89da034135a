import { GRAPHQL_PATH } from '../pipeline/gateway.ts';

/** The page of GraphiQL with its scripts, so that it works offline. Large, and so loaded on first use. */
export async function graphiqlPage(): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL({
    title: 'Swiftor Gateway',
    endpoint: GRAPHQL_PATH,
    // Over SSE, GraphiQL sends its headers, and so the token, also for subscriptions.
    subscriptionsProtocol: 'SSE',
    headers: '{"authorization": "Bearer TOKEN"}',
  });
}
