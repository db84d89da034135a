import { describe, expect, it } from 'vitest';
import { SocketLimits } from '../../../src/ingress/access/socket-limits.ts';

const VM = { vmId: 'vm', ticketId: undefined, network: '10.0.0.1' };
const owner = (ticketId: string) => ({ ...VM, ticketId });

describe('the places for WebSockets of a VM', () => {
  it('are counted apart for visitors and for holders of tickets', () => {
    const limits = new SocketLimits({ perVm: 4, perTicket: 2, perNetwork: 3 });
    const visitors = Array.from({ length: 6 }, (_, n) => limits.acquire({ ...VM, network: `10.0.0.${n}` }));
    expect(visitors.filter((release) => release === undefined)).toHaveLength(2);
    for (const ticket of ['a', 'a', 'b', 'b']) expect(limits.acquire(owner(ticket))).toBeDefined();
    expect(limits.acquire(owner('c'))).toBeUndefined();
    expect(limits.acquire({ ...owner('c'), vmId: 'other' })).toBeDefined();
  });

  it('are at most so many for one ticket, and for the visitors from one network', () => {
    const limits = new SocketLimits({ perVm: 4, perTicket: 2, perNetwork: 3 });
    const taken = Array.from({ length: 5 }, () => limits.acquire(VM));
    expect(taken.filter((release) => release !== undefined)).toHaveLength(3);
    expect(limits.acquire({ ...VM, network: '10.0.0.2' })).toBeDefined();
    expect(['a', 'a', 'a'].map((ticket) => limits.acquire(owner(ticket)) !== undefined)).toEqual([true, true, false]);
  });

  it('are given back once, however often they are released', () => {
    const limits = new SocketLimits({ perVm: 1, perTicket: 1, perNetwork: 1 });
    const release = limits.acquire(VM);
    release?.();
    release?.();
    expect(limits.acquire(VM)).toBeDefined();
    expect(limits.acquire(VM)).toBeUndefined();
  });
});
