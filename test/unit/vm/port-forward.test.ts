import { beforeAll, expect, it } from 'vitest';
import { loadCatalog, type Catalog } from '../../../src/catalog/catalog.ts';
import { toEngineError } from '../../../src/engine/docker/connection/engine-failure.ts';
import { parsePortRange } from '../../../src/config/parse-port-range.ts';
import {
  defaultForwards,
  forwardAddress,
  forwardAddressOf,
  forwardProblem,
  type PortProtocol,
} from '../../../src/vm/networking/port-forward.ts';

let catalog: Catalog;
beforeAll(async () => {
  catalog = await loadCatalog({ defaultPlan: 'core', regions: ['AU'] });
});
const entry = (code: string) => {
  const found = catalog.distributions.get(code);
  if (found === undefined) throw new Error(`There is no "${code}".`);
  return found;
};

it.each<[string, PortProtocol, number, string | undefined]>([
  ['minecraft', 'tcp', 25565, undefined],
  ['minecraft', 'udp', 25570, undefined],
  ['minecraft', 'tcp', 25571, 'listens on TCP 25565-25570, UDP 25565-25570'],
  ['minecraft', 'udp', 53, 'listens on'],
  ['minecraft', 'tcp', 8443, "the app's own"],
  ['steamos', 'udp', 27031, undefined],
  ['steamos', 'tcp', 22, undefined],
  ['steamos', 'tcp', 3000, "the app's own"],
  ['ubuntu', 'tcp', 22, 'serves only HTTP'],
  ['emulatorjs', 'tcp', 3000, 'serves only HTTP'],
])('%s may have %s port %d forwarded or gets the reason why not', (code, protocol, port, problem) => {
  const said = forwardProblem(entry(code), protocol, port);
  if (problem === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(problem);
});

it('a new VM has forwards for the routes of its catalog entry', () => {
  expect(defaultForwards(entry('minecraft'))).toEqual([{ protocol: 'tcp', internalPort: 25565 }]);
  for (const code of ['steamos', 'emulatorjs', 'ubuntu']) expect(defaultForwards(entry(code))).toEqual([]);
});

it.each([
  ['AU', null, 'AU.example.com:30001'],
  ['AU', 'node1', 'node1.AU.example.com:30001'],
  ['US', null, '[2001:db8::1]:30001'],
])('a forward of region %s on node %s is reached at %s', (region, node, address) => {
  const hostOf = (code: string, name: string | null) =>
    code === 'US' ? '2001:db8::1' : `${name === null ? '' : `${name}.`}${code}.example.com`;
  const port = { vmId: 'vm', region, node, protocol: 'tcp', internalPort: 25565, publicPort: 30001 } as const;
  expect(forwardAddress({ hostOf }, port)).toBe(address);
  expect(forwardAddressOf({ hostOf }, { ports: [port] }, 'tcp', 25565)).toBe(address);
  expect(forwardAddressOf({ hostOf }, { ports: [port] }, 'udp', 25565)).toBeUndefined();
});

it.each([
  ['30000-30999', { from: 30000, to: 30999 }],
  [' 2000 - 2000 ', { from: 2000, to: 2000 }],
  ['65535', { from: 65535, to: 65535 }],
])('"%s" is a port range', (text, range) => {
  expect(parsePortRange(text)).toEqual(range);
});

it.each(['', '1-2', '30999-30000', '30000-65536', '30000-', '3e4-31000', '-30000', '30000-30999-31999'])(
  '"%s" is not a port range',
  (text) => {
    expect(() => parsePortRange(text)).toThrow('port range');
  },
);

it.each([
  // Another container's, and another program's, as Docker 20.10 to 28 say it.
  [
    'driver failed programming external connectivity on endpoint swiftor-x (abc): Bind for 0.0.0.0:30000 failed: port is already allocated',
    30000,
  ],
  ['driver failed … : Error starting userland proxy: listen tcp4 127.0.0.1:30001: bind: address already in use', 30001],
  ['failed to bind host port for 0.0.0.0:30002:172.17.0.2:7/udp: address already in use', 30002],
  ['failed to bind host port 127.0.0.1:30003/tcp: address already in use', 30003],
  ['failed to listen on UDP socket: listen udp4 [::1]:30004: bind: address already in use', 30004],
])('a port that another process holds is distinguished from other refusals: %s', (message, port) => {
  const error = toEngineError(Object.assign(new Error(message), { statusCode: 500, json: { message } }), {
    endpoint: 'unix:///x',
    what: 'start a container',
    refusal: 'START_FAILED',
  });
  expect(error).toMatchObject({ code: 'PORT_TAKEN', port });
});

it('a network address that is taken is not mistaken for a port', () => {
  const message = 'Address already in use';
  const error = toEngineError(Object.assign(new Error(message), { statusCode: 500, json: { message } }), {
    endpoint: 'unix:///x',
    what: 'start a container',
    refusal: 'START_FAILED',
  });
  expect(error).toMatchObject({ code: 'START_FAILED' });
});
