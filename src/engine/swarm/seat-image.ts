import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { refusalStatus, type EngineApi } from '../engine-api.ts';

/** An image with one program, which waits for ever. */
export interface SeatImage {
  /** The same on every engine, because it is the hash of the same bytes. */
  readonly id: string;
  /** For `docker load`. */
  readonly archive: Buffer;
}

const TAG = 'swiftor/seat:1';
const PROGRAM = '/seat';
/** Where the kernel puts the program, which begins after its two headers. */
const BASE = 0x400000n;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

/** The processor's code for: wait for a signal, again and again. */
const CODE: Readonly<Record<string, { readonly machine: number; readonly bytes: string }>> = {
  // mov eax, 34 (pause); syscall; jmp to the beginning
  amd64: { machine: 62, bytes: 'b8220000000f05ebf7' },
  // mov x0..x3, 0; mov x8, 73 (ppoll); svc 0; b to the beginning
  arm64: { machine: 183, bytes: '000080d2010080d2020080d2030080d2280980d2010000d4faffff17' },
};

/**
 * The image of seats. It is made here because a seat must start on every node without a registry: all nodes get the
 * same bytes, so a service can name it by its id, and no engine asks a registry for it.
 */
export async function makeSeatImage(architecture: string): Promise<SeatImage> {
  const layer = await tar([{ name: PROGRAM.slice(1), content: program(architecture), mode: 0o755 }]);
  const epoch = new Date(0).toISOString();
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      created: epoch,
      config: { Cmd: [PROGRAM] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${hashOf(layer)}`] },
      history: [{ created: epoch, created_by: 'swiftor' }],
    }),
  );
  const id = hashOf(config);
  const manifest = [{ Config: `${id}.json`, RepoTags: [TAG], Layers: ['layer.tar'] }];
  const archive = await tar([
    { name: `${id}.json`, content: config },
    { name: 'layer.tar', content: layer },
    { name: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
  ]);
  return { id: `sha256:${id}`, archive };
}

/** Brings the image to an engine that lacks it. */
export async function ensureSeatImage(api: EngineApi, { id, archive }: SeatImage, signal: AbortSignal): Promise<void> {
  try {
    await api.ask({ method: 'GET', path: `/images/${id}/json`, what: 'inspect the image of seats' }, signal);
  } catch (error) {
    if (refusalStatus(error) !== 404) throw error;
    const body = Readable.from([archive]);
    await api.ask({ method: 'POST', path: '/images/load', body, what: 'load the image of seats' }, signal);
  }
}

/** An ELF program of one segment. Throws for a processor that it is not known for. */
function program(architecture: string): Buffer {
  const code = CODE[architecture];
  if (code === undefined) throw new Error(`Seats are not known for the architecture "${architecture}".`);
  const text = Buffer.from(code.bytes, 'hex');
  const start = HEADER_BYTES + PROGRAM_HEADER_BYTES;
  const file = Buffer.alloc(start + text.length);
  // 64 bits, little-endian, version 1.
  file.write('7f454c46020101', 0, 'hex');
  // An executable file.
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(code.machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BASE + BigInt(start), 24);
  file.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  file.writeUInt16LE(HEADER_BYTES, 52);
  file.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  file.writeUInt16LE(1, 56);
  // The segment: loaded, readable and executable, all of the file.
  file.writeUInt32LE(1, HEADER_BYTES);
  file.writeUInt32LE(5, HEADER_BYTES + 4);
  file.writeBigUInt64LE(BASE, HEADER_BYTES + 16);
  file.writeBigUInt64LE(BASE, HEADER_BYTES + 24);
  file.writeBigUInt64LE(BigInt(file.length), HEADER_BYTES + 32);
  file.writeBigUInt64LE(BigInt(file.length), HEADER_BYTES + 40);
  file.writeBigUInt64LE(0x1000n, HEADER_BYTES + 48);
  text.copy(file, start);
  return file;
}

async function tar(files: readonly { name: string; content: Buffer; mode?: number }[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, content, mode = 0o644 } of files) archive.entry({ name, mode, mtime: new Date(0) }, content);
  archive.finalize();
  return buffer(archive);
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
