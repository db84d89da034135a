import { imageOf, localImageOf, type Distribution } from '../../catalog/distribution.ts';
import type { EngineFacts } from '../engine-facts.ts';
import { engineProblem } from './engine-problem.ts';
import { choiceProblem, keptProblem, wouldUseStandIn } from './image-problems.ts';
import type { QuotaViolation } from '../limits.ts';
import type { StartProblem } from './start-problem.ts';
import { drainMessage, type RegionDrain } from '../restrictions/region-drain.ts';
import { suspensionMessage, type Suspension } from '../restrictions/suspension.ts';
import { keptImage } from '../vm-image.ts';
import type { Vm } from '../vm.ts';

export type StartCandidate = Pick<Vm, 'region' | 'distribution' | 'desktop' | 'image' | 'incarnation'>;

export interface StartCircumstances {
  /** Undefined when the catalog no longer has the VM's distribution. */
  readonly distribution: Distribution | undefined;
  readonly facts: EngineFacts;
  readonly violations: readonly QuotaViolation[];
  readonly suspension?: Suspension | undefined;
  /** Of the VM's region. */
  readonly drain?: RegionDrain | undefined;
}

/** Every reason why starting the VM would fail now, as far as it is known without trying. */
export function startProblems(
  vm: StartCandidate,
  { distribution, facts, violations, suspension, drain }: StartCircumstances,
): StartProblem[] {
  const quota = violations.map(({ message }): StartProblem => ({
    code: 'QUOTA_EXCEEDED',
    message,
    action: QUOTA_ACTION,
  }));
  const engine = facts.problem === undefined ? [] : [engineProblem(facts.problem, vm.region)];
  return [...restrictionProblems(suspension, drain), ...quota, ...engine, ...entryProblems(vm, distribution, facts)];
}

function restrictionProblems(suspension: Suspension | undefined, drain: RegionDrain | undefined): StartProblem[] {
  return [
    ...(suspension === undefined
      ? []
      : [{ code: 'ACCOUNT_SUSPENDED' as const, message: suspensionMessage(suspension), action: 'Ask the operator.' }]),
    ...(drain === undefined
      ? []
      : [
          {
            code: 'REGION_DRAINED' as const,
            message: drainMessage(drain),
            action: 'Create the VM in another region, or try again later.',
          },
        ]),
  ];
}

const QUOTA_ACTION = 'Stop or shrink another VM, free storage, or take a bigger plan.';

function entryProblems(vm: StartCandidate, distribution: Distribution | undefined, facts: EngineFacts): StartProblem[] {
  const imageRef = distribution && imageOf(distribution, vm.desktop);
  if (distribution === undefined || imageRef === undefined) {
    const what = vm.desktop === null ? `"${vm.distribution}"` : `"${vm.distribution}" with the desktop "${vm.desktop}"`;
    return [
      {
        code: 'NOT_IN_CATALOG',
        message: `The catalog no longer has ${what}.`,
        action: 'Ask the operator, or create another VM.',
      },
    ];
  }
  const localImageRef = localImageOf(distribution, vm.desktop);
  const kept = keptImage(vm);
  const image = kept === undefined ? choiceProblem({ imageRef, localImageRef }, facts) : keptProblem(kept, facts);
  const isStandIn =
    kept === undefined ? wouldUseStandIn({ imageRef, localImageRef }, facts) : kept.standInFor !== undefined;
  return [
    ...image,
    ...(isStandIn ? [] : architectureProblem(distribution, facts)),
    ...deviceProblems(distribution, facts),
  ];
}

function architectureProblem({ name, architectures }: Distribution, { architecture }: EngineFacts): StartProblem[] {
  if (architecture === undefined || architectures === undefined) return [];
  if (architectures.some((one) => one === architecture)) return [];
  const message = `${name} exists for ${architectures.join(' and ')} only, and the region's engine has ${architecture}.`;
  return [
    { code: 'WRONG_ARCHITECTURE', message, action: 'Create the VM in another region, or choose another distribution.' },
  ];
}

function deviceProblems({ name, devices }: Distribution, { missingDevices }: EngineFacts): StartProblem[] {
  return devices
    .filter((device) => missingDevices.has(device))
    .map((device) => ({
      code: 'DEVICE_MISSING',
      message: `${name} needs the device ${device}, which the host of the region's engine does not have.`,
      action: 'Create the VM in a region whose engine has it, or ask the operator.',
    }));
}
