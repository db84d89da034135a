const HEADER_BYTES = 8;

/** Splits the engine's frames of a container without a terminal into its two streams, each cut after `maxBytes`. */
export function splitOutput(frames: Buffer, maxBytes: number): { readonly stdout: string; readonly stderr: string } {
  const parts: { 1: Buffer[]; 2: Buffer[] } = { 1: [], 2: [] };
  for (let at = 0; at + HEADER_BYTES <= frames.length;) {
    const length = frames.readUInt32BE(at + 4);
    parts[frames[at] === 2 ? 2 : 1].push(frames.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length));
    at += HEADER_BYTES + length;
  }
  const join = (chunks: readonly Buffer[]) => Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
  return { stdout: join(parts[1]), stderr: join(parts[2]) };
}
