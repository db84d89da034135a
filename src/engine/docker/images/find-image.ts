import type Docker from 'dockerode';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf } from '../connection/engine-failure.ts';

export interface FoundImage {
  readonly id: string;
  /** 'repository@sha256:…', one for each registry that the image came from. */
  readonly repoDigests: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** The size of all its layers, unpacked. */
  readonly bytes: number;
}

/** Finds an image on the engine by reference or id; undefined if there is none. */
export async function findImage(
  tools: { docker: Docker; call: EngineCall },
  imageRef: string,
  signal: AbortSignal,
): Promise<FoundImage | undefined> {
  const { docker, call } = tools;
  try {
    return await call(`look at image "${imageRef}"`, signal, async (abortSignal) => {
      // The type lacks the signal.
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
