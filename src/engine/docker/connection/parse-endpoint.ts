export type DockerEndpoint =
  | { readonly kind: 'unix'; readonly socketPath: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/**
 * Where a Docker Engine listens, from `unix:///path` or `tcp://host:port`. Throws an Error that names what is wrong
 * with the text.
 */
export function parseEndpoint(text: string): DockerEndpoint {
  const [, scheme, rest] = /^([a-z+]+):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme === 'swarm+unix' || scheme === 'swarm+tcp') {
    throw new Error(
      `"${text}" is a Docker Swarm, and Swarm is not supported in this version: give each node's own engine ` +
        'as unix:// or tcp://.',
    );
  }
  if (scheme === 'unix' && rest !== undefined && /^\/./.test(rest)) return { kind: 'unix', socketPath: rest };
  if (scheme === 'tcp' && rest !== undefined) {
    const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^\s/:@?#[\]]+)):(\d{1,5})\/?$/i.exec(rest) ?? [];
    const host = bracketed ?? plain;
    const number = Number(port);
    if (host !== undefined && number >= 1 && number <= 65_535) return { kind: 'tcp', host, port: number };
  }
  throw new Error(`"${text}" is not the address of an engine: write unix:///path/to/docker.sock or tcp://host:port.`);
}
