import { imageOf, localImageOf, type Distribution } from '../catalog/distribution.ts';
import { isLocalReference, registryOf } from '../engine/image-reference.ts';
import type { EngineFacts, EngineProblem } from './engine-facts.ts';
import { FAILURE_CODES } from './failure-code.ts';
import type { QuotaViolation } from './limits.ts';
import { keptImage } from './vm-image.ts';
import type { Vm, VmImage } from './vm.ts';

const { ENGINE_UNREACHABLE, ISOLATION_FAILED, NO_SPACE, NOT_IN_CATALOG } = FAILURE_CODES;

/** All problems that can keep a VM from starting. The code is the one with which the start would fail. */
export const START_PROBLEM_CODES = {
  QUOTA_EXCEEDED: 'the plan has no room for it: the only problem for which startVm refuses',
  NOT_IN_CATALOG,
  ENGINE_UNREACHABLE,
  ISOLATION_FAILED,
  NO_SPACE,
  PULL_FAILED: 'the image is not on the engine, which cannot reach its registry',
  IMAGE_NOT_FOUND: 'the image is neither on the engine nor in a registry',
  WRONG_ARCHITECTURE: "the image does not exist for the processors of the region's engine",
  DEVICE_MISSING: "the engine's host lacks a device that the image needs",
} as const satisfies Record<string, string>;

export interface StartProblem {
  readonly code: keyof typeof START_PROBLEM_CODES;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** What to do about it, in one sentence. */
  readonly action: string;
}

export type StartCandidate = Pick<Vm, 'region' | 'distribution' | 'desktop' | 'image' | 'incarnation'>;

export interface StartCircumstances {
  /** Undefined when the catalog no longer has the VM's distribution. */
  readonly distribution: Distribution | undefined;
  readonly facts: EngineFacts;
  readonly violations: readonly QuotaViolation[];
}

/** Every reason why starting the VM would fail now, as far as it is known without trying. */
export function startProblems(
  vm: StartCandidate,
  { distribution, facts, violations }: StartCircumstances,
): StartProblem[] {
  const quota = violations.map(({ message }): StartProblem => ({
    code: 'QUOTA_EXCEEDED',
    message,
    action: QUOTA_ACTION,
  }));
  const engine = facts.problem === undefined ? [] : [engineProblem(facts.problem, vm.region)];
  return [...quota, ...engine, ...entryProblems(vm, distribution, facts)];
}

const QUOTA_ACTION = 'Stop or shrink another VM, free storage, or take a bigger plan.';
const OTHER_REGION = 'Try again later or in another region; the operator sees more in the log of the gateway.';

function engineProblem(problem: EngineProblem, region: string): StartProblem {
  const messages: Readonly<Record<EngineProblem, string>> = {
    ENGINE_UNREACHABLE: `The engine of region "${region}" does not answer.`,
    ISOLATION_FAILED: `VMs cannot be isolated on the engine of region "${region}", so none is started there.`,
    NO_SPACE: `The disk of region "${region}" is nearly full, so nothing new is started there.`,
  };
  return { code: problem, message: messages[problem], action: OTHER_REGION };
}

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
  const image = kept === undefined ? presentProblem({ imageRef, localImageRef }, facts) : keptProblem(kept, facts);
  const isStandIn =
    kept === undefined ? wouldStandIn({ imageRef, localImageRef }, facts) : kept.standInFor !== undefined;
  return [
    ...image,
    ...(isStandIn ? [] : architectureProblem(distribution, facts)),
    ...deviceProblems(distribution, facts),
  ];
}

interface Choice {
  readonly imageRef: string;
  readonly localImageRef: string | undefined;
}

/**
 * Whether the stand-in would run: it exists or is being built, and the image that it stands in for cannot be pulled.
 */
function wouldStandIn(
  { imageRef, localImageRef }: Choice,
  { images, building, unreachedRegistries }: EngineFacts,
): boolean {
  if (
    localImageRef === undefined ||
    images?.find(imageRef) !== undefined ||
    !unreachedRegistries.has(registryOf(imageRef))
  )
    return false;
  return images?.find(localImageRef) !== undefined || building.has(localImageRef);
}

function presentProblem(choice: Choice, facts: EngineFacts): StartProblem[] {
  const { imageRef, localImageRef } = choice;
  const { images, building, unreachedRegistries } = facts;
  if (images === undefined || images.find(imageRef) !== undefined) return [];
  if (isLocalReference(imageRef)) {
    if (building.has(imageRef)) return [];
    return [
      {
        code: 'IMAGE_NOT_FOUND',
        message: `The image "${imageRef}" was not built on the engine yet.`,
        action: buildAction(imageRef),
      },
    ];
  }
  const registry = registryOf(imageRef);
  if (!unreachedRegistries.has(registry) || wouldStandIn(choice, facts)) return [];
  const message = `The registry ${registry} of the image "${imageRef}" cannot be reached from the engine`;
  if (localImageRef !== undefined) {
    return [
      {
        code: 'PULL_FAILED',
        message: `${message}, and its stand-in is not built there.`,
        action: buildAction(localImageRef),
      },
    ];
  }
  const action =
    'Choose a distribution that has a stand-in, or ask the operator to give the engine access to the registry.';
  return [
    { code: 'PULL_FAILED', message: `${message}, and there is no recipe that builds it without a registry.`, action },
  ];
}

function buildAction(localImageRef: string): string {
  return `The operator can build it: npm run images -- ${localImageRef}`;
}

const RESTART_ACTION = 'Restart the VM: it then takes the image that the catalog names now.';

function keptProblem(
  { reference, id, digest, standInFor }: VmImage,
  { images, unreachedRegistries }: EngineFacts,
): StartProblem[] {
  if (images === undefined || images.has({ id, ...(digest !== undefined && { digest }) })) return [];
  const what = `The image that the VM runs, "${reference}", is not on its engine any more`;
  const isInRegistry = digest !== undefined && standInFor === undefined && !isLocalReference(reference);
  if (!isInRegistry)
    return [{ code: 'IMAGE_NOT_FOUND', message: `${what}, and is in no registry.`, action: RESTART_ACTION }];
  const registry = registryOf(reference);
  if (!unreachedRegistries.has(registry)) return [];
  return [
    {
      code: 'PULL_FAILED',
      message: `${what}, and the registry ${registry} cannot be reached from it.`,
      action: RESTART_ACTION,
    },
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
