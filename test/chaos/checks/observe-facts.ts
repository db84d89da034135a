import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type Docker from 'dockerode';
import { LABEL } from '../../../src/engine/labels.ts';
import { callApi } from '../rig/api-client.ts';
import type { AccountFact, ContainerFact, Facts, RowFact, StorageFact, VolumeFact } from './facts.ts';
import { graphqlRequest } from '../workload/operations.ts';
import { listLoops } from '../workload/loops.ts';
import type { Account, Rig } from '../rig/rig.ts';

/** Looks everywhere. Rejects when one of them does not answer. */
export async function observeFacts(rig: Rig): Promise<Facts> {
  const { database, docker, installationId, accounts } = rig;
  const [rows, accountFacts, containers, volumes, loops, files, shown] = await Promise.all([
    database.query<RowFact>(`
      select id, user_id as "userId", enabled, deleting, status, last_failure->>'code' as failure, persistent,
        engine_ref as "engineRef", storage_ready as "storageReady", storage_enforcement as "storageEnforcement" from vm`),
    database.query<AccountFact>('select user_id as "userId", event_seq::int as seq from account'),
    observeContainers(docker, installationId),
    observeVolumes(docker, installationId),
    observeLoops(installationId),
    observeFiles(docker, installationId),
    Promise.all(accounts.map((account) => readShown(rig, account))),
  ]);
  return { rows, accounts: accountFacts, containers, volumes, loops, files, shown: shown.flat() };
}

async function observeContainers(docker: Docker, installationId: string): Promise<ContainerFact[]> {
  const filters = { label: [`${LABEL.installation}=${installationId}`] };
  const listed = await docker.listContainers({ all: true, filters });
  const inspected = await Promise.all(
    listed.map(({ Id }) =>
      docker
        .getContainer(Id)
        .inspect()
        .catch((error: { statusCode?: number }) => {
          // Removed since.
          if (error.statusCode === 404) return undefined;
          throw error;
        }),
    ),
  );
  return inspected.flatMap((container) => {
    if (container === undefined) return [];
    const { Id, Name, State, Config } = container;
    const env = new Map(
      (Config.Env ?? []).map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
    );
    const vmId = Config.Labels[LABEL.machine];
    return [
      {
        id: Id,
        name: Name.slice(1),
        vmId,
        isLive: State.Running,
        isPaused: State.Paused,
        state: State.Status,
        startedAt: State.StartedAt,
        env,
      },
    ];
  });
}

async function observeVolumes(docker: Docker, installationId: string): Promise<VolumeFact[]> {
  const { Volumes } = await docker.listVolumes({ filters: { label: [`${LABEL.installation}=${installationId}`] } });
  return (Volumes ?? []).map(({ Name, Labels }) => ({
    name: Name,
    vmId: Labels[LABEL.machine] ?? '',
    isLasting: Labels[LABEL.lifetime] === 'until-delete',
    isImage: Labels[LABEL.store] === 'image',
  }));
}

/** The folder of a machine's files is named after installation and machine. */
function toStorageFact(folder: string, file: string, installationId: string): StorageFact[] {
  const [installation, vmId = ''] = folder.split('.');
  return installation === installationId ? [{ name: `${folder}/${file}`, vmId }] : [];
}

async function observeLoops(installationId: string): Promise<StorageFact[]> {
  return (await listLoops()).flatMap(({ folder, file }) => toStorageFact(folder, file, installationId));
}

async function observeFiles(docker: Docker, installationId: string): Promise<StorageFact[]> {
  const { DockerRootDir } = (await docker.info()) as { DockerRootDir: string };
  const root = path.join(DockerRootDir, 'swiftor');
  const folders = (await readdir(root).catch(() => [])).filter((name) => name.startsWith(installationId));
  const found = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(path.join(root, folder))).flatMap((file) => toStorageFact(folder, file, installationId)),
    ),
  );
  return found.flat();
}

const SHOWN = `query ($after: String) { vms(first: 100, after: $after) { nodes {
  id userId enabled vmlabel status changeUndone specs { storage } secrets { key value } networking { name internalPort }
} } }`;

/** By the first gateway that answers. */
async function readShown({ gateways }: Rig, { token, userId }: Account): Promise<Facts['shown']> {
  for (const { url } of gateways) {
    if (url === undefined) continue;
    const answer = await callApi(url, token, graphqlRequest(SHOWN));
    if (answer.kind === 'done') return (answer.data as { vms: { nodes: Facts['shown'] } }).vms.nodes;
  }
  throw new Error(`No gateway lists the VMs of ${userId}.`);
}
