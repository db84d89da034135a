import { string, uuid } from '../schemas/json-schema.ts';

const seq = { ...string, pattern: '^\\d{1,15}$' };
const logCursor = { ...string, pattern: '^\\d{1,15}-\\d{1,9}$' };

/** The parameters of all operations, by name. */
export const PARAMETERS = {
  vmid: { name: 'vmid', in: 'path', required: true, description: 'The id of the VM.', schema: uuid },
  key: { name: 'key', in: 'path', required: true, description: 'The name of the variable.', schema: string },
  name: { name: 'name', in: 'path', required: true, description: 'The name of the subdomain.', schema: string },
  protocol: {
    name: 'protocol',
    in: 'path',
    required: true,
    description: 'The transport protocol.',
    schema: { $ref: '#/components/schemas/PortProtocol' },
  },
  internal_port: {
    name: 'internal_port',
    in: 'path',
    required: true,
    description: 'The port inside the container.',
    schema: { type: 'integer', minimum: 1, maximum: 65_535 },
  },
  after: {
    name: 'after',
    in: 'query',
    description: 'The `seq` of the last event that the client has seen. Without it, the stream starts with SNAPSHOTs.',
    schema: seq,
  },
  tail: {
    name: 'tail',
    in: 'query',
    description: 'The number of past lines.',
    schema: { type: 'integer', minimum: 0, maximum: 1000, default: 100 },
  },
  lastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'As `after`, which it overrides: EventSource sends it when it connects again.',
    schema: seq,
  },
  afterLine: {
    name: 'after',
    in: 'query',
    description: 'The `cursor` of the last line that the client has seen; `tail` is then without effect.',
    schema: logCursor,
  },
  lastLine: {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'As `after`, which it overrides: EventSource sends it when it connects again.',
    schema: logCursor,
  },
  idempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'Makes a retry safe: a repeated request with the same key returns the VM of the first one.',
    schema: { ...string, minLength: 1, maxLength: 255 },
  },
} as const;

export type ParameterName = keyof typeof PARAMETERS;
