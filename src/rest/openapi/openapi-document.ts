import type { Tag } from '../routes/route.ts';
import { ROUTES } from '../routes/routes.ts';
import { SCHEMAS } from '../schemas/schemas.ts';
import { operationOf } from './operation.ts';
import { PARAMETERS } from './parameters.ts';
import { ERROR_RESPONSES, HEADERS } from './responses.ts';

const TAGS: Readonly<Record<Tag, string>> = {
  VMs: 'The life of VMs.',
  Secrets: "Environment variables of VMs. A running VM's container is replaced at once.",
  Networking: 'Names before the address of a VM that lead to its ports.',
  Ports: 'Public TCP and UDP ports that lead to ports of a VM.',
  Live: 'What happens to VMs, as server-sent events.',
};

/** The OpenAPI 3.1 document of all routes, for the gateway at this origin. */
export function openapiDocument(origin: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of ROUTES) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    for (const method of route.methods) (paths[path] ??= {})[method.toLowerCase()] = operationOf(route, method);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Swiftor Virtual Machines API',
      version: '1',
      description:
        'Manage your VMs: creation, deletion, start and stop, secrets, networking and ports, and what happens to ' +
        'them. Every route runs a GraphQL operation. Each GET that changes nothing also answers HEAD, and a slash at ' +
        'the end of a path makes no difference.',
      contact: { name: 'The operator of this gateway', url: origin },
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: origin, description: 'This gateway.' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token whose `sub` is the account.',
        },
      },
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: ERROR_RESPONSES,
      schemas: SCHEMAS,
    },
  };
}
