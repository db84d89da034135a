import { Ticket } from '../../../src/ingress/access/ticket.ts';

/** A ticket as the ingress has it of the owner's own browser. */
export function testTicket(until = Date.now() + 60_000, more: Partial<ConstructorParameters<typeof Ticket>[1]> = {}) {
  return new Ticket('alice', { id: 't', role: 'CONTROL', isGuest: false, signsIn: true, until, ...more });
}
