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
/** Shorter after a failure, because the engine may be its cause. */
const BRIEF_REMOVE_MILLISECONDS = 10_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

export interface HostOutput {
  readonly exitCode: number;
  /** stdout and stderr are each limited to the command's `maxOutputBytes`. */
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
 * Runs programs of the engine's host in a temporary container with the host's directories. This works with remote
 * engines, for a gateway without root, and without a registry. A call takes about 0.3 s.
 */
export class HostCommands {
  readonly #tools: HostCommandTools;
  /** Optional paths that this host lacks, learned from refusals. */
  readonly #absent = new Set<string>();
  readonly #running = new Set<Promise<HostOutput>>();

  constructor(tools: HostCommandTools) {
    this.#tools = tools;
  }

  /**
   * Runs the command and resolves to its output and exit code, whatever that is. Rejects with an EngineError if it
   * could not run or exceeded its time. Always removes the container; if the gateway dies, a sweep does.
   */
  async run(command: HostCommand, signal: AbortSignal): Promise<HostOutput> {
    const running = this.#run(command, signal);
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }

  /** Waits until all running commands have ended and their containers are removed, or cannot be. */
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
      output = await this.#tools.call(what, signal, (abortSignal) => readEnd(container, command, abortSignal), {
        milliseconds,
      });
    } catch (error) {
      // By name: the engine may have created it during the abort. A sweep removes what is left.
      await remove(BRIEF_REMOVE_MILLISECONDS).catch(() => undefined);
      throw error;
    }
    await remove(REMOVE_MILLISECONDS);
    return output;
  }

  /** Creates a container for the command without starting it. The caller must remove it. */
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
        const made = await docker.createContainer({
          ...options,
          HostConfig: { ...options.HostConfig, ...hostConfig },
          name,
          abortSignal,
        });
        if (typeof made.id !== 'string') throw new TypeError('its answer describes no container.');
        return made;
      };
      try {
        return await finishDespiteAbort(signal, (late) => call(command.what, late, create));
      } catch (error) {
        if (error instanceof EngineError && error.code === 'IMAGE_NOT_FOUND')
          await ensureHostTools(this.#tools, signal);
        else if (!this.#learnAbsent(error)) throw error;
      }
    }
  }

  async start(container: Docker.Container, { argv, what }: HostCommand, signal: AbortSignal): Promise<void> {
    try {
      await finishDespiteAbort(signal, (late) =>
        this.#tools.call(what, late, (abortSignal) => container.start({ abortSignal })),
      );
    } catch (error) {
      const cause = error instanceof EngineError ? error.cause : undefined;
      if (
        !(cause instanceof Error) ||
        !/executable file not found|no such file or directory/i.test(engineMessage(cause))
      )
        throw error;
      throw new EngineError(
        'ENGINE_REFUSED',
        `The engine's host has no program "${argv[0]}" to ${what}: install it there.`,
        {
          cause: error,
        },
      );
    }
  }

  /** True if the engine refused because an optional path is missing. The path is omitted from now on. */
  #learnAbsent(error: unknown): boolean {
    if (statusOf(error) !== 400 || !(error instanceof Error)) return false;
    const [, missing = ''] = /bind source path does not exist: (\S+)/.exec(error.message) ?? [];
    // Concurrent commands may have recorded it already.
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
  const { State: state } = (await container.inspect({ abortSignal })) as {
    State?: { Status?: unknown; ExitCode?: unknown };
  };
  if (state?.Status !== 'exited' || typeof state.ExitCode !== 'number')
    throw new TypeError('its answer shows no container that has run.');
  const frames: unknown = await container.logs({ follow: false, stdout: true, stderr: true, abortSignal });
  if (!Buffer.isBuffer(frames)) throw new TypeError('its answer holds no output.');
  return { exitCode: state.ExitCode, ...splitOutput(frames, maxOutputBytes) };
}
