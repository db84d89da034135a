import type { AuditEntry } from '../../api/queries.ts';

/** What the audit can be filtered by. */
export const AUDIT_ACTIONS: readonly AuditEntry['action'][] = [
  'ACCESS_ENDED',
  'APP_SIGNED_IN',
  'OPEN_LINK_CREATED',
  'OPEN_LINK_REDEEMED',
  'PORT_ADDED',
  'PORT_REMOVED',
  'SECRETS_READ',
  'SECRET_DELETED',
  'SECRET_SET',
  'START_REFUSED',
  'SUBDOMAIN_ADDED',
  'SUBDOMAIN_REMOVED',
  'VM_CREATED',
  'VM_DELETED',
  'VM_RESTARTED',
  'VM_SHARED',
  'VM_STARTED',
  'VM_STOPPED',
  'VM_UPDATED',
];
