import type { Operation } from '../workload/operations.ts';

/**
 * How an operation ended: `unsure` is one without an answer, or with UNAVAILABLE: it may still apply, also after later
 * ones.
 */
export type Outcome = 'done' | 'refused' | 'unsure';

/** What the last acknowledged operation set, and what operations without an answer may have set instead. */
export interface Field<T> {
  readonly value: T;
  readonly unsure: readonly T[];
}

/** A VM as the answers of the gateways promise it. */
export interface ExpectedVm {
  readonly id: string;
  readonly userId: string;
  readonly persistent: boolean;
  /** Only operations that need no other container are sent to it, so that container must live through every round. */
  readonly isBystander: boolean;
  readonly exists: Field<boolean>;
  readonly enabled: Field<boolean>;
  readonly label: Field<string>;
  readonly secrets: ReadonlyMap<string, Field<string | undefined>>;
  readonly names: ReadonlyMap<string, Field<number | undefined>>;
}

export const sure = <T>(value: T): Field<T> => ({ value, unsure: [] });

export function allows<T>({ value, unsure }: Field<T>, actual: T): boolean {
  return value === actual || unsure.includes(actual);
}

/** The VM after an operation on it. */
export function applyOperation(vm: ExpectedVm, operation: Operation, outcome: Outcome): ExpectedVm {
  if (outcome === 'refused') return vm;
  const set = <T>(field: Field<T>, value: T): Field<T> =>
    outcome === 'done' ? { ...field, value } : { ...field, unsure: [...field.unsure, value] };
  const setIn = <T>(fields: ReadonlyMap<string, Field<T | undefined>>, key: string, value: T | undefined) =>
    new Map([...fields, [key, set(fields.get(key) ?? sure(undefined), value)]]);
  switch (operation.kind) {
    case 'create':
      return vm;
    case 'start':
    case 'restart':
      return { ...vm, enabled: set(vm.enabled, true) };
    case 'stop':
      return { ...vm, enabled: set(vm.enabled, false) };
    case 'delete':
      return { ...vm, exists: set(vm.exists, false) };
    case 'rename':
      return { ...vm, label: set(vm.label, operation.label) };
    case 'setSecret':
      return { ...vm, secrets: setIn(vm.secrets, operation.key, operation.value) };
    case 'deleteSecret':
      return { ...vm, secrets: setIn(vm.secrets, operation.key, undefined) };
    case 'addSubdomain':
      return { ...vm, names: setIn(vm.names, operation.name, operation.port) };
    case 'removeSubdomain':
      return { ...vm, names: setIn(vm.names, operation.name, undefined) };
  }
}

/** What a gateway shows of a VM. */
export interface ShownVm {
  readonly id: string;
  readonly userId: string;
  readonly enabled: boolean;
  readonly vmlabel: string;
  readonly specs: { readonly storage: boolean };
  readonly secrets: readonly { readonly key: string; readonly value: string }[];
  readonly networking: readonly { readonly name: string; readonly internalPort: number }[];
}

/** The names under which a VM's own password is among its secrets. */
const OWN_SECRET = 'VM_PASSWORD';

/** What is expected of a VM that is settled: exactly what is shown of it. */
export function expectAsShown(shown: ShownVm, isBystander: boolean): ExpectedVm {
  const secrets = shown.secrets.filter(({ key }) => key !== OWN_SECRET);
  return {
    id: shown.id,
    userId: shown.userId,
    persistent: shown.specs.storage,
    isBystander,
    exists: sure(true),
    enabled: sure(shown.enabled),
    label: sure(shown.vmlabel),
    secrets: new Map(secrets.map(({ key, value }) => [key, sure<string | undefined>(value)])),
    names: new Map(shown.networking.map(({ name, internalPort }) => [name, sure<number | undefined>(internalPort)])),
  };
}

/** What is shown of a VM and contradicts what was promised, as a sentence each. */
export function findBrokenPromises(vm: ExpectedVm, shown: ShownVm | undefined): readonly string[] {
  if (!allows(vm.exists, shown !== undefined)) return [shown === undefined ? 'is gone' : 'was deleted and is there'];
  if (shown === undefined) return [];
  const broken: string[] = [];
  if (!allows(vm.enabled, shown.enabled)) broken.push(`enabled is ${shown.enabled}`);
  if (!allows(vm.label, shown.vmlabel)) broken.push(`the label is "${shown.vmlabel}", not "${vm.label.value}"`);
  const values = new Map(shown.secrets.map(({ key, value }) => [key, value]));
  for (const [key, field] of vm.secrets)
    if (!allows(field, values.get(key))) broken.push(`the secret ${key} is not what was set`);
  const ports = new Map(shown.networking.map(({ name, internalPort }) => [name, internalPort]));
  for (const [name, field] of vm.names)
    if (!allows(field, ports.get(name))) broken.push(`the subdomain ${name} is not what was set`);
  return broken;
}
