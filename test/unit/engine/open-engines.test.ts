import { pino } from 'pino';
import { expect, it } from 'vitest';
import { openEngines, parseEndpoint } from '../../../src/engine/open-engines.ts';

const options = { installationId: 'inst', log: pino({ level: 'silent' }), isolation: 'on' } as const;

it('an endpoint is a socket, a host with a port, or a destination of ssh', () => {
  expect(parseEndpoint('unix:///var/run/docker.sock')).toEqual({ kind: 'unix', socketPath: '/var/run/docker.sock' });
  expect(parseEndpoint('tcp://10.0.0.7:2375')).toEqual({ kind: 'tcp', host: '10.0.0.7', port: 2375 });
  expect(parseEndpoint('tls://engine.example:2376')).toEqual({ kind: 'tls', host: 'engine.example', port: 2376 });
  expect(parseEndpoint('ssh://engine')).toEqual({ kind: 'ssh', destination: 'engine', port: undefined });
  expect(parseEndpoint('ssh://me@engine.example:2222/')).toEqual({
    kind: 'ssh',
    destination: 'me@engine.example',
    port: 2222,
  });
  expect(parseEndpoint('tcp://[::1]:2375/')).toEqual({ kind: 'tcp', host: '::1', port: 2375 });
});

it.each([
  '',
  'docker',
  'unix://',
  'unix://relative/docker.sock',
  'tcp://host',
  'tcp://host:0',
  'tcp://host:99999',
  'tcp://user@host:1',
  'http://host:1',
  'ssh://-oProxyCommand=x',
  'ssh://me@-host',
  'ssh://host:0',
  'ssh://host;id',
  'ssh://host/path',
])('"%s" is no endpoint, and the error says what to write', (text) => {
  expect(() => parseEndpoint(text)).toThrow(
    /write unix:\/\/\/path\/to\/docker\.sock, tls:\/\/host:port, ssh:\/\/user@host or tcp:\/\/host:port/,
  );
});

it('regions with the same endpoint share a driver', async () => {
  const local = 'unix:///var/run/docker.sock';
  const engines = openEngines(
    new Map([
      ['AU', local],
      ['US', 'tcp://127.0.0.1:1'],
      ['NZ', local],
    ]),
    options,
  );
  expect(engines.drivers.get('AU')).toBe(engines.drivers.get('NZ'));
  expect(engines.drivers.get('US')).not.toBe(engines.drivers.get('AU'));
  expect(engines.endpoints.map(({ endpoint, regions }) => ({ endpoint, regions }))).toEqual([
    { endpoint: local, regions: ['AU', 'NZ'] },
    { endpoint: 'tcp://127.0.0.1:1', regions: ['US'] },
  ]);
  await engines.close();
});

it('other regions keep the drivers of engines that stay as they are', async () => {
  const [local, away] = ['unix:///var/run/docker.sock', 'tcp://127.0.0.1:1'];
  const engines = openEngines(new Map([['AU', local]]), options);
  const first = engines.drivers.get('AU');
  const both = [
    ['AU', local],
    ['US', away],
  ] as const;
  expect(engines.change(new Map(both))).toEqual([]);
  expect(engines.drivers.get('AU')).toBe(first);
  expect(() => engines.change(new Map([['AU', 'http://x']]))).toThrow(/is no/);
  expect([...engines.drivers.keys()]).toEqual(['AU', 'US']);
  // With another region the engine needs other watches.
  const [left] = engines.change(new Map([...both, ['NZ', away]]));
  expect(left).toMatchObject({ endpoint: away, regions: ['US'] });
  await left?.driver.close();
  await engines.close();
});
