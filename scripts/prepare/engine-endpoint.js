import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';

export const DEFAULT_SOCKET = '/var/run/docker.sock';

/** The endpoint that DOCKER_HOST names, or the default socket. */
export function engineEndpoint() {
  const host = process.env.DOCKER_HOST;
  return host === undefined || host === '' ? `unix://${DEFAULT_SOCKET}` : host;
}

/** The client of Node that speaks to the endpoint, and its options. Throws an Error for an endpoint that is not understood. */
export function engineClient(endpoint) {
  if (endpoint.startsWith('unix://')) return { client: http, socketPath: endpoint.slice('unix://'.length), host: 'localhost' };
  const { protocol, hostname, port } = new URL(endpoint);
  if (!['tcp:', 'http:', 'https:'].includes(protocol)) throw new Error(`only unix:// and tcp:// are understood, not ${protocol}//`);
  if (protocol !== 'https:' && !process.env.DOCKER_TLS_VERIFY) return { client: http, host: hostname, port: port || 2375 };
  const folder = process.env.DOCKER_CERT_PATH ?? path.join(os.homedir(), '.docker');
  const read = (name) => readFileSync(path.join(folder, name));
  return { client: https, host: hostname, port: port || 2376, ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
}
