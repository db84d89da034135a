import type { BlockList } from 'node:net';
import type { DiskWatermark } from './disk-watermark.ts';
import type { RegionSettings, RegionSource } from './read-regions.ts';
import type { OidcClient } from './oidc-client.ts';

export const ROLES = ['api', 'ingress', 'reconciler'] as const;
export type Role = (typeof ROLES)[number];

/** The limits of one client at this gateway. */
export interface RequestLimits {
  /** Points per second: a request costs 1, a mutation 5. Bursts may use ten seconds' worth. */
  readonly ratePerAccount: number;
  readonly ratePerAddress: number;
  /** WebSockets and event streams. */
  readonly socketsPerAccount: number;
  readonly subscriptionsPerSocket: number;
  readonly connectionsPerAddress: number;
}

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly jwt: {
    readonly secret?: string;
    readonly jwksUrl?: string;
    readonly issuer?: string;
    readonly audience: string;
  };
  readonly secretsKey: string | undefined;
  /** The previous key during a rotation. */
  readonly previousSecretsKey: string | undefined;
  readonly baseDomain: string;
  readonly publicScheme: 'http' | 'https';
  /** The certificate and key files if the gateway itself serves TLS. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** As they were at the start; see `LiveRegions`. */
  readonly regions: RegionSettings;
  /** What they are read from again. */
  readonly regionSource: RegionSource;
  /** The folder of the certificates for engines at `tls://`. */
  readonly engineCertificates: string | undefined;
  /** The folder of the certificates that Swarm gave to this machine. */
  readonly swarmCertificates: string;
  /** How long VMs without lasting data wait for a node that is away before they move. */
  readonly nodePatienceMs: number;
  /** A file with credentials of registries, in the format of Docker's config.json. */
  readonly registryAuthFile: string | undefined;
  /** Whether VMs are isolated from each other, the engine's host and private networks. */
  readonly isolation: 'on' | 'off';
  /** Which networks VMs can reach. */
  readonly egress: 'internet' | 'none';
  readonly catalogFile: string | undefined;
  readonly plansFile: string | undefined;
  readonly defaultPlan: string;
  /** When an engine's disk is too full for new containers. */
  readonly diskWatermark: DiskWatermark;
  readonly roles: ReadonlySet<Role>;
  /** Proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: BlockList;
  /** The public ports for VMs, and the address they listen on. */
  readonly forward: { readonly from: number; readonly to: number; readonly bind: string };
  /** How long an opened app stays open at most, in ms. */
  readonly maxAccessMs: number;
  /** How many days the audit is kept. */
  readonly auditDays: number;
  /** Origins whose pages may use the API, besides the gateway's own; `*` for all. */
  readonly allowedOrigins: ReadonlySet<string>;
  readonly introspection: boolean;
  readonly persistedOperations: { readonly file: string; readonly only: boolean } | undefined;
  readonly limits: RequestLimits;
  /** Whether the page at `/` is served, and the client that it is for OpenID Connect. */
  readonly dashboard: { readonly oidc: OidcClient | undefined } | undefined;
  readonly strictRest: boolean;
  /** The port of `/metrics` and `/health/*`; undefined: that of everything else. */
  readonly metricsPort: number | undefined;
  /** Whether each operation of the API is logged. */
  readonly accessLog: boolean;
  readonly logLevel: string;
  readonly production: boolean;
}
