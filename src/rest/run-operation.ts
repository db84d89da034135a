import type { Gateway } from '../graphql/pipeline/gateway.ts';
import type { Subscription } from '../graphql/pipeline/subscription.ts';
import type { Caller } from '../graphql/schema/context.ts';
import { toOperationError } from './operation-error.ts';
import type { RestData, RestRequest, Route } from './routes/route.ts';

interface VmPage {
  readonly nodes: RestData['nodes'];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}

/**
 * Runs the operation of a route, once per page if it lists VMs. A VM whose deletion has been accepted is in no list.
 * Throws OperationError.
 */
export async function runOperation(
  gateway: Gateway,
  caller: Caller,
  route: Route,
  request: RestRequest,
): Promise<RestData> {
  const nodes: RestData['nodes'][number][] = [];
  for (let after: string | undefined; ;) {
    const operation = gateway.prepare(
      { query: route.document, variables: { ...route.variables(request), after } },
      caller,
    );
    if (!('kind' in operation)) throw toOperationError(operation, route);
    const { data, errors } = await operation.execute();
    if (errors !== undefined && errors.length > 0) throw toOperationError(errors, route);
    const page = data as (RestData & { vms?: VmPage }) | null | undefined;
    nodes.push(...(page?.vms?.nodes ?? []).filter(({ status }) => status !== 'DELETING'));
    if (page?.vms?.pageInfo.hasNextPage !== true) return { ...page, nodes };
    after = page.vms.pageInfo.endCursor;
  }
}

/** Starts the subscription of a route. Throws OperationError. */
export async function runSubscription(
  gateway: Gateway,
  caller: Caller,
  route: Route,
  request: RestRequest,
): Promise<Subscription> {
  const operation = gateway.prepare({ query: route.document, variables: route.variables(request) }, caller);
  if (!('kind' in operation)) throw toOperationError(operation, route);
  const results = await operation.subscribe();
  if ('source' in results) return results;
  throw toOperationError(results.errors ?? [], route);
}
