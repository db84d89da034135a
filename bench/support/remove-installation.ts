import { LABEL } from '../../src/engine/labels.ts';
import type { EngineSocket } from './engine-socket.ts';

/** Removes the containers and volumes with the installation's label. */
export async function removeInstallation(engine: EngineSocket, installationId: string): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${LABEL.installation}=${installationId}`] }));
  const containers = await engine.ask<{ Id: string }[]>('GET', `/containers/json?all=true&filters=${filters}`);
  await Promise.all(containers.map(({ Id }) => engine.ask('DELETE', `/containers/${Id}?force=true&v=true`)));
  const { Volumes } = await engine.ask<{ Volumes: { Name: string }[] | null }>('GET', `/volumes?filters=${filters}`);
  await Promise.all((Volumes ?? []).map(({ Name }) => engine.ask('DELETE', `/volumes/${Name}`)));
}
