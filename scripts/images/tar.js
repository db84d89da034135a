import { readFileSync } from 'node:fs';

const BLOCK = 512;

/** The pieces of a tar archive of [{ path, mode, file }], a file at a time: what the engine takes as a build's context. */
export function* packTar(entries) {
  for (const { path, mode, file } of entries) {
    const data = readFileSync(file);
    yield header(path, mode, data.length);
    yield data;
    yield Buffer.alloc(-data.length & (BLOCK - 1));
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(path, mode, size) {
  const block = Buffer.alloc(BLOCK);
  const [prefix, name] = splitPath(path);
  block.write(name, 0);
  block.write(octal(mode & 0o777, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  // No time: the same files make the same archive.
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

/** The format has 100 bytes for a name and 155 for the folders before it. */
function splitPath(path) {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return [prefix, name];
  }
  throw new RangeError(`The path "${path}" is too long for a tar archive.`);
}

function octal(number, digits) {
  return number.toString(8).padStart(digits, '0');
}
