export type DockerEndpoint =
  | { readonly kind: 'unix'; readonly socketPath: string }
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number }
  /** `destination` and `port` as OpenSSH takes them. */
  | { readonly kind: 'ssh'; readonly destination: string; readonly port: number | undefined };

const HOST_AND_PORT = /^(?:\[([0-9a-f:.]+)\]|([^\s/:@?#[\]]+)):(\d{1,5})\/?$/i;
/** A destination never begins with a hyphen, which would make it an option. */
const SSH = /^((?:[a-z_][\w.-]*@)?[a-z0-9][\w.-]*)(?::(\d{1,5}))?\/?$/i;

/**
 * Where a Docker Engine listens, from `unix:///path`, `tcp://host:port`, `tls://host:port` or
 * `ssh://[user@]host[:port]`. Throws an Error that names what is wrong with the text.
 */
export function parseEndpoint(text: string): DockerEndpoint {
  const [, scheme, rest = ''] = /^([a-z+]+):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme === 'unix' && /^\/./.test(rest)) return { kind: 'unix', socketPath: rest };
  if (scheme === 'tcp' || scheme === 'tls') {
    const [, bracketed, plain, digits] = HOST_AND_PORT.exec(rest) ?? [];
    const host = bracketed ?? plain;
    const port = toPort(digits);
    if (host !== undefined && port !== undefined) return { kind: scheme, host, port };
  }
  if (scheme === 'ssh') {
    const [, destination, digits] = SSH.exec(rest) ?? [];
    const port = toPort(digits);
    if (destination !== undefined && (digits === undefined || port !== undefined))
      return { kind: 'ssh', destination, port };
  }
  throw new Error(
    `"${text}" is not the address of an engine: write unix:///path/to/docker.sock, tls://host:port, ` +
      'ssh://user@host or tcp://host:port.',
  );
}

function toPort(digits: string | undefined): number | undefined {
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
