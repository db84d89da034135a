import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const KIND = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];

/** A key, and a certificate that nobody trusts, of another name than any test asks for. */
export async function selfSigned(): Promise<{ key: Buffer; cert: Buffer }> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-self-signed-'));
  undo.defer(() => rm(folder, { recursive: true }));
  const [keyFile, certFile] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const files = ['-keyout', keyFile, '-out', certFile];
  await promisify(execFile)('openssl', ['req', '-x509', ...KIND, '-subj', '/CN=elsewhere', ...files]);
  return { key: await readFile(keyFile), cert: await readFile(certFile) };
}
