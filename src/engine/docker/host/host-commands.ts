import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import { EngineError } from '../../engine-error.ts';
import type { Containers } from '../containers/containers.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { engineMessage, statusOf } from '../connection/engine-failure.ts';
import { commandLabels, hostContainerOptions, OPTIONAL_PATHS, type HostCommand } from './host-container.ts';
import { ensureHostTools, HOST_TOOLS_IMAGE } from './host-tools.ts';
import { finishDespiteAbort } from '../connection/finish-despite-abort.ts';
import { splitOutput } from '../streams/split-output.ts';

const RUN_MILLISECONDS = 30_000;
const REMOVE_MILLISECONDS = 60_000;
/** After a failure, which may be the engine's. */
const BRIEF_REMOVE_MILLISECONDS = 10_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

export interface HostOutput {
  readonly exitCode: number;
  /** At most as much as the command says, likewise of stderr. */
  readonly stdout: string;
  readonly stderr: string;
}

interface HostCommandTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
  readonly installationId: string;
}

/**
 * Runs programs of the engine's own host, through nothing but the engine: in a container that has the host's programs and is removed
 * afterwards. So it works for an engine elsewhere, for a gateway that is not root, and without a registry. A call costs about 0.3 s.
 */
export class HostCommands {
  readonly #tools: HostCommandTools;
  /** Optional paths that this host turned out not to have. */
  readonly #absent = new Set<string>();
  readonly #running = new Set<Promise<HostOutput>>();

  constructor(tools: HostCommandTools) {
    this.#tools = tools;
  }

  /**
   * Runs the command to its end. A program that fails is an answer; rejects with an EngineError when it could not be run, or did not
   * end in time. Its container is removed in each case; that of a gateway which died meanwhile is swept.
   */
  async run(command: HostCommand, signal: AbortSignal): Promise<HostOutput> {
    const running = this.#run(command, signal);
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }

  /** Resolves once each command under way has ended and its container is gone, or cannot be removed. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #run(command: HostCommand, signal: AbortSignal): Promise<HostOutput> {
    const { milliseconds = RUN_MILLISECONDS, what } = command;
    const labels = commandLabels(this.#tools.installationId, milliseconds);
    const name = `swiftor-command-${randomUUID()}`;
    const remove = (patience: number) => this.#tools.containers.remove(name, AbortSignal.timeout(patience));
    let output: HostOutput;
    try {
      const container = await this.create(command, labels, name, signal);
      await this.start(container, command, signal);
      output = await this.#tools.call(what, signal, (abortSignal) => readEnd(container, command, abortSignal), { milliseconds });
    } catch (error) {
      // By its name: it may have been made just as the caller gave up. What is left nevertheless is swept later.
      await remove(BRIEF_REMOVE_MILLISECONDS).catch(() => undefined);
      throw error;
    }
    await remove(REMOVE_MILLISECONDS);
    return output;
  }

  /** A container for the command, not started yet, for whoever sees to its end in another way. */
  async create(
    command: HostCommand,
    labels: Readonly<Record<string, string>>,
    name: string,
    signal: AbortSignal,
    hostConfig: Docker.HostConfig = {},
  ): Promise<Docker.Container> {
    const { docker, call } = this.#tools;
    for (;;) {
      const options = hostContainerOptions(command, { imageRef: HOST_TOOLS_IMAGE, labels, absent: this.#absent });
      const create = async (abortSignal: AbortSignal) => {
        const made = await docker.createContainer({ ...options, HostConfig: { ...options.HostConfig, ...hostConfig }, name, abortSignal });
        if (typeof made.id !== 'string') throw new TypeError('its answer describes no container.');
        return made;
      };
      try {
        return await finishDespiteAbort(signal, (late) => call(command.what, late, create));
      } catch (error) {
        if (error instanceof EngineError && error.code === 'IMAGE_NOT_FOUND') await ensureHostTools(this.#tools, signal);
        else if (!this.#learnAbsent(error)) throw error;
      }
    }
  }

  async start(container: Docker.Container, { argv, what }: HostCommand, signal: AbortSignal): Promise<void> {
    try {
      await finishDespiteAbort(signal, (late) => this.#tools.call(what, late, (abortSignal) => container.start({ abortSignal })));
    } catch (error) {
      const cause = error instanceof EngineError ? error.cause : undefined;
      if (!(cause instanceof Error) || !/executable file not found|no such file or directory/i.test(engineMessage(cause))) throw error;
      throw new EngineError('ENGINE_REFUSED', `The engine's host has no program "${argv[0]}" to ${what}: install it there.`, {
        cause: error,
      });
    }
  }

  /** True when the engine refused for lack of a path that the host may do without: it is left out from now on. */
  #learnAbsent(error: unknown): boolean {
    if (statusOf(error) !== 400 || !(error instanceof Error)) return false;
    const [, missing = ''] = /bind source path does not exist: (\S+)/.exec(error.message) ?? [];
    // Known already where several commands found out at once.
    if (!OPTIONAL_PATHS.has(missing)) return false;
    this.#absent.add(missing);
    return true;
  }
}

async function readEnd(
  container: Docker.Container,
  { maxOutputBytes = MAX_OUTPUT_BYTES }: HostCommand,
  abortSignal: AbortSignal,
): Promise<HostOutput> {
  await container.wait({ condition: 'not-running', abortSignal });
  // The end of a wait proves nothing: a container whose start was answered with nonsense is not running either.
  const { State: state } = (await container.inspect({ abortSignal })) as { State?: { Status?: unknown; ExitCode?: unknown } };
  if (state?.Status !== 'exited' || typeof state.ExitCode !== 'number') throw new TypeError('its answer shows no container that has run.');
  const frames: unknown = await container.logs({ follow: false, stdout: true, stderr: true, abortSignal });
  if (!Buffer.isBuffer(frames)) throw new TypeError('its answer holds no output.');
  return { exitCode: state.ExitCode, ...splitOutput(frames, maxOutputBytes) };
}
