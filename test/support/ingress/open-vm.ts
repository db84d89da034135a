import { visit, type Visit } from './visit.ts';
import type { TestGateway } from '../gateway/gateway.ts';

/** A browser that came through a link: its requests carry the ticket. */
export interface OpenAddress {
  readonly host: string;
  readonly cookie: string;
  visit(path?: string, headers?: Record<string, string>): Promise<Visit>;
}

/** A one-time link to the VM's own address, or to that of a mapping, made by the token's owner. */
export async function createOpenLink(gateway: TestGateway, token: string, vmId: string, name?: string): Promise<URL> {
  const { data, errors } = await gateway.graphql<{ createOpenLink: string }>(
    token,
    'mutation ($vmId: ID!, $name: String) { createOpenLink(vmId: $vmId, name: $name) }',
    { vmId, name },
  );
  if (data == null) throw new Error(`There is no link to the VM ${vmId}: ${JSON.stringify(errors)}`);
  return new URL(data.createOpenLink);
}

/** Opens a private address as a browser does: by a link, whose cookie it then keeps. */
export async function openVm(gateway: TestGateway, token: string, vmId: string, name?: string): Promise<OpenAddress> {
  const link = await createOpenLink(gateway, token, vmId, name);
  const { status, headers } = await visit(gateway.port, link.host, link.pathname + link.search);
  const cookie = headers['set-cookie']?.[0]?.split(';')[0];
  if (status !== 303 || cookie === undefined)
    throw new Error(`The link to ${link.host} answered ${status} and set no cookie.`);
  return {
    host: link.host,
    cookie,
    visit: (path = '/', more = {}) => visit(gateway.port, link.host, path, { cookie, ...more }),
  };
}
