export const DEFAULT_SOCKET = '/var/run/docker.sock';
export const DEFAULT_ENDPOINT = `unix://${DEFAULT_SOCKET}`;

/** The endpoint that DOCKER_HOST names, or the default socket. */
export function engineEndpoint(): string {
  return process.env['DOCKER_HOST'] || DEFAULT_ENDPOINT;
}
