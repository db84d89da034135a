import type { JsonObject } from '../../http/request/json.ts';
import type { SchemaName } from '../schemas/schemas.ts';

/** The parts of a request that a route maps to variables. */
export interface RestRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: JsonObject;
  readonly idempotencyKey: string | undefined;
  /** What an EventSource that connects again has seen last. */
  readonly lastEventId: string | undefined;
}

export type Method = 'GET' | 'POST' | 'DELETE';
export type Tag = 'VMs' | 'Secrets' | 'Networking' | 'Ports' | 'Live';

interface RouteBase {
  readonly path: string;
  /** A GET that changes state exists for old clients only. */
  readonly methods: readonly Method[];
  /** The operationId in the OpenAPI document: what generated clients call it. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  /** What it does and which errors it has, in Markdown. */
  readonly description: string;
  readonly changesState: boolean;
  /** What it reads; undefined without a body. */
  readonly body?: SchemaName;
  /** The parameters that its query may have. */
  readonly query?: readonly ('after' | 'afterLine' | 'tail')[];
  /** What the reply, or each event, is. */
  readonly result: SchemaName;
  readonly document: string;
  readonly variables: (request: RestRequest) => JsonObject;
  /** The REST names of GraphQL inputs, where they differ. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** A route of which a query or mutation is the reply. */
export interface ReplyRoute extends RouteBase {
  readonly status: 200 | 201;
  /** If the operation lists VMs, `nodes` has those of all pages. Undefined means NOT_FOUND. */
  readonly reply: (data: RestData, request: RestRequest) => unknown;
}

/** A route that sends a subscription as server-sent events. */
export interface StreamRoute extends RouteBase {
  readonly event: (data: RestData) => unknown;
}

/**
 * A REST route: a GraphQL operation, how a request becomes its variables, and how its result becomes a reply.
 * Authorization, validation and limits belong to the operation.
 */
export type Route = ReplyRoute | StreamRoute;

export interface RestVm {
  readonly id: string;
  readonly userId: string;
  readonly vmlabel: string;
  readonly region: string;
  readonly os: { readonly distribution: string; readonly desktop: string | null };
  readonly specs: { readonly cpu: number; readonly ram: number; readonly storage: boolean };
  readonly enabled: boolean;
  readonly status: string;
  readonly url: string;
  readonly secrets: readonly { readonly key: string; readonly value: string }[];
  readonly networking: readonly { readonly name: string; readonly internalPort: number }[];
  readonly ports: readonly RestPort[];
  readonly progress: RestProgress | null;
}

export interface RestPort {
  readonly protocol: string;
  readonly internalPort: number;
  readonly publicPort: number;
  readonly address: string;
}

interface RestProgress {
  readonly percent: number;
  readonly message: string;
  readonly bytesDone: number | null;
  readonly bytesTotal: number | null;
}

interface RestEvent {
  readonly seq: string;
  readonly kind: string;
  readonly vmId: string;
  readonly status: string;
  readonly previousStatus: string | null;
  readonly reason: string | null;
  readonly note: string | null;
  readonly at: string;
  readonly vm: RestVm | null;
}

/** The data of an operation: that of the route's one root field. */
export interface RestData {
  readonly nodes: readonly RestVm[];
  readonly vm?: RestVm | null;
  readonly createVm?: RestVm;
  readonly updateVm?: RestVm;
  readonly openVm?: { readonly url: string; readonly linkUntil: string; readonly accessUntil: string };
  readonly vmExec?: {
    readonly exitCode: number;
    readonly stdout: string;
    readonly stderr: string;
    readonly stdoutTruncated: boolean;
    readonly stderrTruncated: boolean;
  };
  readonly addSubdomain?: { readonly subdomain: string; readonly internalPort: number };
  readonly addPort?: RestPort;
  readonly vmEvents?: RestEvent;
  readonly vmLogs?: { readonly at: string; readonly stream: string; readonly text: string; readonly cursor: string };
  readonly vmStats?: {
    readonly at: string;
    readonly cpuPercent: number;
    readonly memoryBytes: number;
    readonly memoryLimitBytes: number;
    readonly networkRxBytes: number;
    readonly networkTxBytes: number;
  };
}
