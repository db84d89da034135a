import type Docker from 'dockerode';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';

export interface FoundImage {
  readonly id: string;
  /** 'repository@sha256:…' of each registry that the engine has it from. */
  readonly repoDigests: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Of all its layers, unpacked. */
  readonly bytes: number;
}

/** The image as the engine has it, by reference or id; undefined when it has none. */
export async function findImage(
  tools: { docker: Docker; call: EngineCall },
  imageRef: string,
  signal: AbortSignal,
): Promise<FoundImage | undefined> {
  const { docker, call } = tools;
  try {
    return await call(`look at image "${imageRef}"`, signal, async (abortSignal) => {
      // Typed as if it took no signal.
      const options: Docker.ImageInspectOptions & { abortSignal: AbortSignal } = { abortSignal };
      const { Id, RepoDigests, Config, Size }: Partial<Docker.ImageInspectInfo> = await docker
        .getImage(imageRef)
        .inspect(options);
      if (typeof Id !== 'string') throw new TypeError('its answer describes no image.');
      return { id: Id, repoDigests: RepoDigests ?? [], labels: Config?.Labels ?? {}, bytes: Size ?? 0 };
    });
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
