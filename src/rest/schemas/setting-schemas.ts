import { PORT_PROTOCOLS } from '../../vm/networking/port-forward.ts';
import { MAPPING_NAME } from '../../vm/networking/mapping.ts';
import { described, from, mapOf, object, oneOf, ref, string, uuid } from './json-schema.ts';

const port = from(1, 65_535, 'The port inside the container.');
const key = { ...string, pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$', description: 'The name of a variable.' };
const name = { ...string, pattern: MAPPING_NAME.source, description: 'Before the address of the VM.' };
const forward = {
  protocol: ref('PortProtocol'),
  internal_port: port,
  public_port: from(1, 65_535, 'It stays the same until the forward or the VM is removed.'),
  address: described(string, 'Where clients connect, "host:port"; works while the VM is running.'),
};

/** Secrets, subdomains and ports of VMs. */
export const SETTING_SCHEMAS = {
  Secrets: object({ secrets: described(mapOf(mapOf(string)), 'By VM and key. A VM without secrets has no entry.') }),
  SetSecret: object({ vmid: uuid, key, value: described(string, 'At most 32 KiB.') }),
  SecretChange: object({ message: string, vmid: uuid, key: string }),
  Subdomain: object({ subdomain: described(string, 'The name again.'), internal_port: port }),
  Subdomains: object({
    networking: described(mapOf(mapOf(ref('Subdomain'))), 'By VM and name. A VM without subdomains has no entry.'),
  }),
  AddSubdomain: object({ vmid: uuid, name, internal_port: port }),
  SubdomainAdded: object({
    message: string,
    subdomain: described(string, 'The dotted form: {name}.{vmid}.{domain}.'),
    internal_port: port,
  }),
  SubdomainRemoved: object({ message: string, vmid: uuid, name: string }),
  PortProtocol: oneOf(PORT_PROTOCOLS, 'The transport protocol.'),
  Port: object(forward),
  Ports: object({
    ports: described(
      mapOf(mapOf(ref('Port'))),
      'By VM, and by protocol and internal port: "tcp/25565". A VM without forwarded ports has no entry.',
    ),
  }),
  AddPort: object({ vmid: uuid, protocol: ref('PortProtocol'), internal_port: port }),
  PortAdded: object({ message: string, vmid: uuid, ...forward }),
  PortRemoved: object({ message: string, vmid: uuid, protocol: ref('PortProtocol'), internal_port: port }),
};
