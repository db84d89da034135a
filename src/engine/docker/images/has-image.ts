import type Docker from 'dockerode';
import type { EngineCall } from '../engine-call.ts';
import { statusOf } from '../engine-failure.ts';

/** Whether the engine has the image. */
export async function hasImage(tools: { docker: Docker; call: EngineCall }, imageRef: string, signal: AbortSignal): Promise<boolean> {
  const { docker, call } = tools;
  try {
    await call(`look at image "${imageRef}"`, signal, (abortSignal) => {
      // Typed as if it took no signal.
      const options: Docker.ImageInspectOptions & { abortSignal: AbortSignal } = { abortSignal };
      return docker.getImage(imageRef).inspect(options);
    });
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}
