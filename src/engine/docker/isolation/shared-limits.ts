import type { HostBind } from '../host/host-container.ts';

/** More than the memory of any host has room for. */
const BEYOND_MEMORY = 2 ** 30;

/**
 * The lowest values of kernel settings that all machines on a host share, by path below /proc/sys. Each counts objects
 * of kernel memory over the whole host, or over all processes of one uid, and machines share uids: at its default, one
 * machine can use up the count for all others and for the host. The kernel charges these objects to the machine's
 * memory limit, so with a count beyond the memory, that limit is what holds. Those that are not charged have room for
 * several machines that take what they can.
 */
const LOWEST: Readonly<Record<string, number>> = {
  'fs/inotify/max_user_instances': BEYOND_MEMORY,
  'fs/inotify/max_user_watches': BEYOND_MEMORY,
  'fs/file-max': BEYOND_MEMORY,
  'fs/aio-max-nr': BEYOND_MEMORY,
  'kernel/pty/max': 2 ** 20,
  // What one machine may have is its limit of processes.
  'kernel/threads-max': 2 ** 22,
  // Neighbors: a machine reaches at most the 65,536 addresses of its bridge.
  'net/ipv4/neigh/default/gc_thresh2': 2 ** 18,
  'net/ipv4/neigh/default/gc_thresh3': 2 ** 18,
  // A machine has at most MACHINE_CONNECTIONS of them.
  'net/netfilter/nf_conntrack_max': 2 ** 18,
};

/** The settings in the notation of watchdog.sh. */
export const LOWEST_SETTINGS = Object.entries(LOWEST)
  .map(([path, value]) => `${path} ${value}`)
  .join('\n');

/** The host's settings, as watchdog.sh expects them. */
export const SETTINGS_BIND: HostBind = { source: '/proc/sys', target: '/host-sys', writable: true, shallow: true };

/**
 * What the watchdog reports after its token, each as a sentence part for an operator. Ignores what it does not know.
 */
export function parseUnheld(report: string): readonly string[] {
  return report.split(' ').flatMap((word) => {
    if (word === 'connlimit') return ['the connections of each VM (its kernel has no connlimit)'];
    const [path = '', value = ''] = word.split('=');
    const lowest = LOWEST[path];
    if (lowest === undefined) return [];
    return [`${path.replaceAll('/', '.')} (${value}; set it to ${lowest} with sysctl)`];
  });
}
