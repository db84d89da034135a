import { Ajv2020 } from 'ajv/dist/2020.js';
import { openapiDocument } from '../../../src/rest/openapi/openapi-document.ts';
import type { JsonSchema } from '../../../src/rest/schemas/json-schema.ts';

interface Described {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly deprecated?: boolean;
  readonly parameters?: readonly { readonly $ref: string }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: JsonSchema } } };
  readonly responses: Readonly<Record<string, Described>>;
}

export interface OpenapiDocument {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly object[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
}

// As a client reads it: through JSON.
export const DOCUMENT = JSON.parse(JSON.stringify(openapiDocument('https://swiftor.io'))) as OpenapiDocument;

const FORMATS = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
};
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, formats: FORMATS });
ajv.addSchema({ $id: 'api', $defs: strict(DOCUMENT.components['schemas']) });

/** Without further keys: they are no fault for clients, but here. */
function strict(value: unknown): unknown {
  if (typeof value === 'string') return value.replace('#/components/schemas/', 'api#/$defs/');
  if (Array.isArray(value)) return value.map(strict);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [name, strict(each)] as const);
  const isOpen = 'type' in value && value.type === 'object' && !('additionalProperties' in value);
  return { ...Object.fromEntries(entries), ...(isOpen && { additionalProperties: false }) };
}

/** How the value differs from this schema, which is a reference to one of the document. */
export function misfits(schema: JsonSchema, value: unknown): string[] {
  const name = String(strict(schema['$ref']));
  const validate = ajv.getSchema(name);
  if (validate === undefined) throw new Error(`The document has no schema ${name}.`);
  if (validate(value) === true) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message = '', params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** The operation "GET /vms/{vmid}". */
export function operationOf(name: string): Operation {
  const [method = '', path = ''] = name.split(' ');
  const operation = DOCUMENT.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`The document has no ${name}.`);
  return operation;
}

/** What is said of answers with this status. */
export function responseOf({ responses }: Operation, status: number): Described | undefined {
  const found = responses[status] ?? responses[`${Math.floor(status / 100)}XX`];
  const [, kind = '', name = ''] = /^#\/components\/(\w+)\/(\w+)$/.exec(found?.$ref ?? '') ?? [];
  return found?.$ref === undefined ? found : DOCUMENT.components[kind]?.[name];
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** How the answer to a request differs from the document; nothing for a path or method that it does not have. */
export function answerMisfits(method: string, path: string, { status, type, text }: Answer): string[] {
  const template = templateOf(path.split('?')[0] ?? '');
  const operation = template === undefined ? undefined : DOCUMENT.paths[template]?.[method.toLowerCase()];
  if (operation === undefined) return [];
  const content = responseOf(operation, status)?.content;
  if (status === 204) return text === '' ? [] : ['204 has a body'];
  const [mediaType = ''] = type.split(';');
  const schema = content?.[mediaType]?.schema;
  if (schema === undefined) return [`${method} ${path}: ${status} with ${mediaType} is not in the document`];
  const values =
    mediaType === 'application/json' ? [text] : [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data);
  return values.flatMap((value) =>
    misfits(schema, JSON.parse(value ?? '')).map((each) => `${method} ${path}: ${each}`),
  );
}

/** The path of the document that leads here, one without parameters first. */
function templateOf(path: string): string | undefined {
  const known = path.replace(/\/$/, '');
  const templates = Object.keys(DOCUMENT.paths);
  if (templates.includes(known)) return known;
  return templates.find((each) => new RegExp(`^${each.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(known));
}
