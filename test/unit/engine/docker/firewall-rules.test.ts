import { expect, it } from 'vitest';
import {
  firewallRules,
  parseResolvers,
  PRIVATE_NETWORKS,
} from '../../../../src/engine/docker/isolation/firewall-rules.ts';
import {
  SHARED_ENGINE_NAMES,
  toSharedEngineNames,
} from '../../../../src/engine/docker/containers/shared-engine-names.ts';

const lines = (resolvers: readonly string[]) => firewallRules(SHARED_ENGINE_NAMES, resolvers).ipv4.split('\n');

it('answers pass first, then other machines are out of reach, then what is too much is refused, then names are looked up, then what is private is refused', () => {
  const forward = lines(['10.0.0.2']).filter((line) => line.startsWith('-A SWIFTOR-FORWARD'));
  expect(forward).toEqual([
    '-A SWIFTOR-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN',
    '-A SWIFTOR-FORWARD -o swiftor-vms -j SWIFTOR-DENY',
    '-A SWIFTOR-FORWARD -o swiftor-offline -j SWIFTOR-DENY',
    '-A SWIFTOR-FORWARD -i swiftor-offline -j SWIFTOR-DENY',
    expect.stringMatching(/ -m hashlimit --hashlimit-above 256\/sec .* -j SWIFTOR-DENY$/),
    expect.stringMatching(/ -m connlimit --connlimit-above 2048 .* -j SWIFTOR-DENY$/),
    '-A SWIFTOR-FORWARD -d 10.0.0.2/32 -p udp --dport 53 -j RETURN',
    '-A SWIFTOR-FORWARD -d 10.0.0.2/32 -p tcp --dport 53 -j RETURN',
    ...PRIVATE_NETWORKS.map((network) => `-A SWIFTOR-FORWARD -d ${network} -j SWIFTOR-DENY`),
  ]);
});

it("the host takes nothing but answers and its name server's questions", () => {
  const input = lines(['192.168.1.1']).filter((line) => line.startsWith('-A SWIFTOR-INPUT'));
  expect(input.at(0)).toBe('-A SWIFTOR-INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN');
  expect(input.at(1)).toBe('-A SWIFTOR-INPUT -i swiftor-offline -j SWIFTOR-DENY');
  expect(input.at(-1)).toBe('-A SWIFTOR-INPUT -j SWIFTOR-DENY');
  expect(lines([]).filter((line) => line.includes('--dport'))).toEqual([]);
});

it('no rule ever accepts: what they let through is left to the others', () => {
  const { ipv4, ipv6 } = firewallRules(SHARED_ENGINE_NAMES, ['10.0.0.2']);
  expect(`${ipv4}\n${ipv6}`).not.toContain('ACCEPT');
  expect(ipv6).not.toContain('RETURN');
});

it.each([
  ['nameserver 10.255.255.53\n', ['10.255.255.53']],
  [
    '# by hand\nsearch lan\nnameserver 8.8.8.8\nnameserver  192.168.1.1 \nnameserver 8.8.8.8\noptions ndots:0\n',
    ['192.168.1.1', '8.8.8.8'],
  ],
  ['nameserver 127.0.0.11\nnameserver fd00::1\nnameserver 10.0.0.999\nnameserver 10.0.0.1 -j ACCEPT\n', []],
  ['', []],
])('the name servers in %j', (text, expected) => {
  expect(parseResolvers(text)).toEqual(expected);
});

it('bridge names fit the kernel limit', () => {
  for (const name of Object.values(toSharedEngineNames('1234567').networks))
    expect(name.length).toBeLessThanOrEqual(15);
});

it('peers are out of reach whatever their addresses, and change no rule where there are none', () => {
  const deny = SHARED_ENGINE_NAMES.chains.deny;
  const { ipv4 } = firewallRules(SHARED_ENGINE_NAMES, [], ['203.0.113.7']);
  const own = ipv4.split('\n').filter((line) => line.includes('203.0.113.7'));
  expect(own).toEqual([`-A ${SHARED_ENGINE_NAMES.chains.forward} -d 203.0.113.7/32 -j ${deny}`]);
  expect(firewallRules(SHARED_ENGINE_NAMES, [], [])).toEqual(firewallRules(SHARED_ENGINE_NAMES, []));
});
