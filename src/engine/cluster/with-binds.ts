import type { MachineSpec } from '../machine.ts';

const EVERY_NODE_HAS = /^(?:127\.|0\.0\.0\.0$|::1?$|localhost$)/;

/** The spec for a node: public ports that listen on one address listen on the node's, because another has none of it. */
export function withBinds(spec: MachineSpec, host: string): MachineSpec {
  const ports = spec.ports.map((port) => (EVERY_NODE_HAS.test(port.bind) ? port : { ...port, bind: host }));
  return { ...spec, ports };
}
