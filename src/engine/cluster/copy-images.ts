import { Transform } from 'node:stream';
import { z } from 'zod';
import { withDeadline } from '../../lib/concurrency/with-deadline.ts';
import type { Log } from '../../log.ts';
import type { EnsureProgress } from '../driver.ts';
import { refusalStatus } from '../engine-api.ts';
import { isLocalReference } from '../image-reference.ts';
import type { MachineImage, MachineSpec } from '../machine.ts';
import type { ClusterNode } from './nodes/cluster-node.ts';
import type { ClusterNodes } from './nodes/cluster-nodes.ts';

const imageDetails = z.object({ Size: z.number() });

type Report = (progress: EnsureProgress) => void;

interface Copy {
  readonly done: Promise<void>;
  readonly reports: Set<Report>;
}

/** A large desktop over a network of 100 Mbit/s takes minutes. */
const COPY_MS = 20 * 60_000;
const REPORT_EVERY_MS = 250;

/**
 * Brings images to nodes from nodes that have them, so a swarm needs no registry. Copies of one image to one node are
 * shared, and go on if nobody waits any more.
 */
export class ImageCopies {
  readonly #nodes: ClusterNodes;
  readonly #log: Log;
  readonly #running = new Map<string, Copy>();
  readonly #closing = new AbortController();

  constructor(nodes: ClusterNodes, log: Log) {
    this.#nodes = nodes;
    this.#log = log;
  }

  /**
   * Brings an image for the machine to the node, unless no other node has one: the node's engine then pulls. Resolves
   * to the spec for that node: an image that went away with its node is not kept by a machine without lasting data.
   */
  async bring(node: ClusterNode, spec: MachineSpec, signal: AbortSignal, onProgress: Report): Promise<MachineSpec> {
    const { keptImage, ...rest } = spec;
    const bring = (reference: string | undefined) =>
      reference !== undefined && this.#bringOne(node, reference, signal, onProgress);
    if (keptImage !== undefined) {
      if ((await bring(keptImage.id)) || isLasting(spec) || isInRegistry(keptImage)) return spec;
      this.#log.warn({ vmId: spec.id, image: keptImage.reference }, 'the image of a VM was lost with its node');
    }
    if (!(await bring(spec.imageRef))) await bring(spec.localImageRef);
    return rest;
  }

  /** False if no node has it. */
  async #bringOne(node: ClusterNode, reference: string, signal: AbortSignal, onProgress: Report): Promise<boolean> {
    if ((await findSize(node, reference, signal)) !== undefined) return true;
    const source = await this.#findSource(node, reference, signal);
    if (source === undefined) return false;
    await this.#await(this.#copy(reference, source, node), signal, onProgress);
    return true;
  }

  close(): void {
    this.#closing.abort();
  }

  async #findSource(target: ClusterNode, reference: string, signal: AbortSignal) {
    const others = this.#nodes.there().filter((node) => node !== target);
    const found = await Promise.all(
      others.map(async (node) => {
        const bytes = await findSize(node, reference, signal).catch(() => undefined);
        return bytes === undefined ? [] : [{ node, bytes }];
      }),
    );
    return found.flat()[0];
  }

  #copy(reference: string, source: { readonly node: ClusterNode; readonly bytes: number }, target: ClusterNode): Copy {
    const key = `${target.id} ${reference}`;
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const reports = new Set<Report>();
    const startedAt = performance.now();
    const details = { image: reference, from: source.node.name, to: target.name };
    const done = withDeadline(COPY_MS, this.#closing.signal, (signal) =>
      transfer(reference, source.node, target, signal, (bytesDone) => {
        const percent = Math.min(99, Math.floor((100 * bytesDone) / Math.max(1, source.bytes)));
        for (const report of reports) report({ phase: 'pulling', percent, bytesDone, bytesTotal: source.bytes });
      }),
    ).finally(() => this.#running.delete(key));
    done.then(
      () => this.#log.info({ ...details, ms: Math.round(performance.now() - startedAt) }, 'copied an image to a node'),
      (error: unknown) => this.#log.warn({ ...details, err: error }, 'failed to copy an image to a node'),
    );
    const copy = { done, reports };
    this.#running.set(key, copy);
    return copy;
  }

  /** A copy that fails is no failure of the machine: its engine may be able to pull. */
  async #await({ done, reports }: Copy, signal: AbortSignal, onProgress: Report): Promise<void> {
    reports.add(onProgress);
    try {
      await withDeadline(COPY_MS, signal, () => done.catch(() => undefined));
    } finally {
      reports.delete(onProgress);
    }
  }
}

function isLasting({ volumes }: MachineSpec): boolean {
  return volumes.some(({ lifetime }) => lifetime === 'until-delete');
}

/** Whether the node's engine can pull exactly this image. */
function isInRegistry({ digest, standInFor, reference }: MachineImage): boolean {
  return digest !== undefined && standInFor === undefined && !isLocalReference(reference);
}

/** The size of a node's image; undefined if it has none. */
async function findSize({ api }: ClusterNode, reference: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const path = `/images/${reference}/json`;
    return imageDetails.parse(await api.ask({ method: 'GET', path, what: 'inspect an image' }, signal)).Size;
  } catch (error) {
    if (refusalStatus(error) === 404) return undefined;
    throw error;
  }
}

async function transfer(
  reference: string,
  source: ClusterNode,
  target: ClusterNode,
  signal: AbortSignal,
  report: (bytes: number) => void,
): Promise<void> {
  const archive = await source.api.open(
    { method: 'GET', path: `/images/${reference}/get`, what: 'send an image', milliseconds: COPY_MS },
    signal,
  );
  let bytes = 0;
  let reportedAt = 0;
  const counted = archive.pipe(
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        if (performance.now() - reportedAt > REPORT_EVERY_MS) {
          reportedAt = performance.now();
          report(bytes);
        }
        done(null, chunk);
      },
    }),
  );
  archive.once('error', (error) => counted.destroy(error));
  counted.on('error', () => undefined);
  try {
    const load = { method: 'POST', path: '/images/load', body: counted, what: 'load an image' } as const;
    await target.api.ask({ ...load, query: { quiet: '1' }, milliseconds: COPY_MS }, signal);
  } finally {
    archive.destroy();
  }
}
