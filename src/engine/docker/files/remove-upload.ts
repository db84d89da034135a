import { LABEL } from '../../labels.ts';
import type { ContainerDetails } from '../containers/containers.ts';
import type { HostCommand } from '../host/host-container.ts';

/** Begins the name that a file has until it is whole. */
export const UPLOAD_PREFIX = '.swiftor-upload-';
const UPLOADED = new RegExp(`/${UPLOAD_PREFIX.replace('.', '\\.')}[0-9a-f-]{36}$`);

/**
 * Removes what came of a file whose upload was broken off, through the volumes of the container that was to finish it;
 * undefined if the container is for something else.
 */
export function removeUploadCommand({ Config, Mounts }: ContainerDetails): HostCommand | undefined {
  const path = Config.Labels?.[LABEL.upload];
  if (path === undefined || !UPLOADED.test(path)) return undefined;
  const volumes = (Mounts ?? []).flatMap(({ Type, Name, Destination = '' }) =>
    Type === 'volume' && Name !== undefined ? [{ name: Name, target: Destination, writable: true }] : [],
  );
  return { what: 'remove a part of a file', argv: ['rm', '-f', '--', path], capabilities: ['DAC_OVERRIDE'], volumes };
}
