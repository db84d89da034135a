import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { EngineError } from '../../engine-error.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { findImage } from '../images/find-image.ts';

const REPOSITORY = 'swiftor/host-tools';
const TAG = '1';

/** An empty image, created on the engine without a registry. Its containers run the host's programs. */
export const HOST_TOOLS_IMAGE = `${REPOSITORY}:${TAG}`;

/** Creates the image if it is missing. */
export async function ensureHostTools(tools: { docker: Docker; call: EngineCall }, signal: AbortSignal): Promise<void> {
  if ((await findImage(tools, HOST_TOOLS_IMAGE, signal)) !== undefined) return;
  await tools.call(`make the image "${HOST_TOOLS_IMAGE}"`, signal, async (abortSignal) => {
    // A layer must hold something.
    const archive = pack();
    archive.entry({ name: 'tmp/', type: 'directory', mode: 0o1777 });
    archive.finalize();
    const answer = await text(await tools.docker.importImage(archive, { repo: REPOSITORY, tag: TAG, abortSignal }));
    if (answer.includes('"error"'))
      throw new EngineError('ENGINE_REFUSED', `The engine did not make the image "${HOST_TOOLS_IMAGE}": ${answer}`);
  });
}
