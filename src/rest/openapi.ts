import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';

const string = { type: 'string' } as const;
const integer = { type: 'integer' } as const;
const boolean = { type: 'boolean' } as const;
const uuid = { type: 'string', format: 'uuid' } as const;

/** An object schema. Properties are required unless they are listed as optional. */
function object(properties: Record<string, unknown>, optional: readonly string[] = []) {
  return { type: 'object', properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) };
}
const mapOf = (value: unknown) => ({ type: 'object', additionalProperties: value });
const message = { message: string };

const vm = {
  id: uuid,
  vmlabel: string,
  region: string,
  os: object({ distribution: string, desktop: { type: ['string', 'null'] } }),
  specs: object({ cpu: integer, ram: integer, storage: boolean }),
  enabled: { ...boolean, description: 'The desired state. For the actual one, see `status` of GET /vms/{vmid}.' },
};

const createBody = object({
  config: object(
    {
      vmlabel: string,
      region: object({ code: string }),
      password: string,
      storageType: {
        ...string,
        description: '"persistent"; storage is ephemeral for any other value, or without one.',
      },
    },
    ['storageType'],
  ),
  os: object(
    { distribution: object({ code: string }), desktop: { type: ['string', 'null'] }, cpu: integer, ram: integer },
    ['desktop'],
  ),
});

/** Bodies and replies by "METHOD path". A route with two methods has one entry, under the first. */
const SHAPES: Readonly<Record<string, { body?: object; reply: object }>> = {
  'GET /vms': { reply: object({ vms: { type: 'array', items: object(vm) } }) },
  'POST /vms/create': { body: createBody, reply: object({ ...message, vm: object({ ...vm, user_id: string }) }) },
  'GET /vms/start/:vmid': { reply: object(message) },
  'GET /vms/stop/:vmid': { reply: object(message) },
  'GET /vms/delete/:vmid': { reply: object(message) },
  'GET /vms/secrets': { reply: object({ secrets: mapOf(mapOf(string)) }) },
  'POST /vms/secrets': {
    body: object({ vmid: uuid, key: string, value: string }),
    reply: object({ ...message, vmid: uuid, key: string }),
  },
  'DELETE /vms/secrets/:vmid/:key': { reply: object({ ...message, vmid: uuid, key: string }) },
  'GET /vms/networking': {
    reply: object({ networking: mapOf(mapOf(object({ subdomain: string, internal_port: integer }))) }),
  },
  'POST /vms/networking': {
    body: object({ vmid: uuid, name: string, internal_port: integer }),
    reply: object({ ...message, subdomain: string, internal_port: integer }),
  },
  'DELETE /vms/networking/:vmid/:name': { reply: object({ ...message, vmid: uuid, name: string }) },
  'GET /vms/:vmid': { reply: object({ ...vm, status: string, url: string }) },
};

/** Builds the OpenAPI 3.1 document of all routes. */
export function openapiDocument(): object {
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
        'Manage your VMs: creation, deletion, start and stop, secrets and networking. Every route runs a ' +
        'GraphQL operation.',
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: {
        Error: object(
          {
            error: { ...string, description: 'A human-readable message.' },
            code: string,
            fields: { type: 'array', items: object({ path: string, message: string }) },
            violations: { type: 'array', items: { type: 'object' } },
            requestId: { ...string, description: 'Only with an internal error: the id of the request in the log.' },
          },
          ['fields', 'violations', 'requestId'],
        ),
      },
    },
  };
}

function operationOf({ path, methods, summary, status, changesState }: Route, method: string): object {
  const shape = SHAPES[`${methods[0]} ${path}`];
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: string,
  }));
  return {
    summary,
    ...(changesState &&
      method === 'GET' && {
        deprecated: true,
        description: 'For old clients. Refused when a browser navigates or prefetches.',
      }),
    ...(parameters.length > 0 && { parameters }),
    ...(shape?.body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: shape.body } } },
    }),
    responses: {
      [status]: { description: 'Done.', content: { 'application/json': { schema: shape?.reply ?? {} } } },
      default: {
        description: 'An error.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}
