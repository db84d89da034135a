/** The fields that are read of a line of the engine's answer to a pull. */
export interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number } | null;
}

export interface PullReading {
  /** An integer from 0 to 100 over all layers. Never decreases. */
  readonly percent: number;
  /** Of the layers whose size is known so far. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

interface Layer {
  size: number | undefined;
  downloaded: number;
  /** The share that is unpacked, 0 to 1. */
  unpacked: number;
}

/** The share of a layer's work that is its download: networks are slower than disks. */
const DOWNLOAD_SHARE = 0.75;
/** 100 is reported only after the image was found on the engine. */
const MAX_PERCENT = 99;

const LAYER_STATUSES: ReadonlySet<string> = new Set([
  'Pulling fs layer',
  'Waiting',
  'Downloading',
  'Verifying Checksum',
  'Download complete',
  'Extracting',
  'Pull complete',
  'Already exists',
]);

/** Computes one percentage from the lines of a pull. */
export class PullProgress {
  readonly #layers = new Map<string, Layer>();
  #percent = 0;

  /** Adds a line and returns the reading after it. */
  add({ id, status, progressDetail }: PullLine): PullReading {
    if (id !== undefined && status !== undefined && LAYER_STATUSES.has(status))
      this.#addLayerLine(id, status, progressDetail ?? {});
    const known = [...this.#layers.values()].filter((layer) => layer.size !== undefined);
    const bytesTotal = sum(known.map((layer) => layer.size ?? 0));
    const bytesDone = sum(known.map((layer) => layer.downloaded));
    // The size of a layer that has not begun is unknown; assume the average of the others.
    const average = known.length === 0 ? 1 : Math.max(1, bytesTotal / known.length);
    const weights = [...this.#layers.values()].map((layer) => ({
      weight: layer.size ?? average,
      share: shareOf(layer),
    }));
    const work = sum(weights.map(({ weight }) => weight));
    const done = sum(weights.map(({ weight, share }) => weight * share));
    const percent = work === 0 ? 0 : Math.floor((100 * done) / work);
    this.#percent = Math.max(this.#percent, Math.min(MAX_PERCENT, percent));
    return { percent: this.#percent, bytesDone, bytesTotal };
  }

  #addLayerLine(id: string, status: string, { current, total }: { current?: number; total?: number }): void {
    const layer = this.#layers.get(id) ?? { size: undefined, downloaded: 0, unpacked: 0 };
    if (status === 'Already exists') {
      this.#layers.delete(id);
      return;
    }
    this.#layers.set(id, layer);
    if (status === 'Downloading' && total !== undefined && total > 0) {
      layer.size = total;
      layer.downloaded = Math.min(current ?? 0, total);
    }
    if (status === 'Verifying Checksum' || status === 'Download complete') finishDownload(layer);
    if (status === 'Extracting') {
      finishDownload(layer);
      // Some engines send seconds here, without a total.
      if (current !== undefined && total !== undefined && total > 0) layer.unpacked = Math.min(1, current / total);
    }
    if (status === 'Pull complete') {
      finishDownload(layer);
      layer.unpacked = 1;
    }
  }
}

/** A layer that is too small for a "Downloading" line has no size: count 0 instead of the average. */
function finishDownload(layer: Layer): void {
  layer.size ??= 0;
  layer.downloaded = layer.size;
}

function shareOf({ size, downloaded, unpacked }: Layer): number {
  const download = size === undefined || size === 0 ? 0 : downloaded / size;
  return DOWNLOAD_SHARE * download + (1 - DOWNLOAD_SHARE) * unpacked;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
