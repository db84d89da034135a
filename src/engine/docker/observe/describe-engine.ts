import type Docker from 'dockerode';
import type { EngineDescription } from '../../engine-reports.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { expectList } from '../connection/expect-list.ts';

/** Reads the engine's CPU architecture and images, in two calls. */
export async function describeEngine(
  tools: { docker: Docker; call: EngineCall },
  signal: AbortSignal,
): Promise<EngineDescription> {
  const { docker, call } = tools;
  // The types lack the signal.
  const version: (options: { abortSignal: AbortSignal }) => Promise<Partial<Docker.DockerVersion>> =
    docker.version.bind(docker);
  const [{ Arch: architecture }, images] = await Promise.all([
    call('report its version', signal, (abortSignal) => version({ abortSignal })),
    call('list the images', signal, async (abortSignal) => {
      const listed: readonly Pick<Partial<Docker.ImageInfo>, 'Id' | 'RepoTags' | 'RepoDigests'>[] =
        await docker.listImages({ digests: true, abortSignal });
      return expectList(listed);
    }),
  ]);
  return {
    ...(typeof architecture === 'string' && { architecture }),
    images: images.flatMap(({ Id: id, RepoTags: tags, RepoDigests: digests }) => {
      if (typeof id !== 'string') return [];
      const [references, repoDigests] = [tags ?? [], digests ?? []].map((texts) =>
        texts.filter((text) => !text.includes('<none>')),
      );
      return [{ id, references: [...(references ?? []), ...(repoDigests ?? [])], repoDigests: repoDigests ?? [] }];
    }),
  };
}
