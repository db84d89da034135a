import { z } from 'zod';
import type { NodeInfo } from '../placer.ts';

/** A node as the engine tells it. */
export const nodeSchema = z.object({
  ID: z.string(),
  Spec: z.object({
    Availability: z.enum(['active', 'pause', 'drain']),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  Description: z.object({
    Hostname: z.string(),
    Platform: z.object({ Architecture: z.string() }).nullish(),
    Resources: z.object({ NanoCPUs: z.number().optional() }).nullish(),
  }),
  Status: z.object({ State: z.string(), Addr: z.string().optional() }),
  ManagerStatus: z.object({ Addr: z.string() }).nullish(),
});
export type SwarmNode = z.infer<typeof nodeSchema>;

/** The kernel's names of architectures, in the notation of images. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

export function architectureOf({ Description }: SwarmNode): string | undefined {
  const name = Description.Platform?.Architecture;
  return name === undefined ? undefined : (ARCHITECTURES[name] ?? name);
}

export function coresOf({ Description }: SwarmNode): number {
  return (Description.Resources?.NanoCPUs ?? 0) / 1e9;
}

/** A new leader calls each node 'unknown' until it has heard of it: our own calls tell meanwhile. */
const AWAY = new Set(['down', 'disconnected']);

/** `region`: the label that nodes of this driver have; undefined: all are. */
export function toNodeInfo(node: SwarmNode, region: string | undefined): NodeInfo {
  const host = hostOf(node);
  return {
    id: node.ID,
    name: node.Description.Hostname,
    host,
    publicHost: node.Spec.Labels?.['swiftor.host'] ?? host,
    isReady: !AWAY.has(node.Status.State),
    isOurs: region === undefined || node.Spec.Labels?.['region'] === region,
    availability: node.Spec.Availability,
  };
}

/** A manager can report itself as 0.0.0.0 or 127.0.0.1; the address that other managers use is one of its own. */
function hostOf({ Status, ManagerStatus }: SwarmNode): string {
  const [, bracketed, plain] = /^(?:\[(.+)\]|([^:]+)):\d+$/.exec(ManagerStatus?.Addr ?? '') ?? [];
  return bracketed ?? plain ?? Status.Addr ?? '';
}
