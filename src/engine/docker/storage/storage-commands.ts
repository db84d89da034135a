import type { HostCommand } from '../host/host-container.ts';

/**
 * What is run on the engine's host for volumes of a hard size. Each is a file that holds a file system of that size, under the engine's
 * own data directory, on a loop device. Loop devices are forgotten by a reboot and then have other numbers, and the volume of the engine
 * names its device for good: so it names a link to it, which is made anew whenever the file was attached.
 *
 * The files are sparse: what they may hold in sum is the plan's affair, and nobody reserves a disk for the largest plan of each VM. That
 * the disk itself does not fill up is seen to at a start; see `DiskSpace`.
 */
const DATA = '/data';
const IMAGES = 'swiftor';
const LINKS = '/dev/swiftor';

/** Exit codes of the scripts that say more than "failed". */
export const LOST = 44;
export const NO_TOOL = 45;

export interface ImageSpec {
  readonly name: string;
  readonly sizeBytes: number;
  readonly mustExist: boolean;
}

/** Where the engine finds the device of a volume, once it is attached. */
export function deviceOf(installationId: string, id: string, name: string): string {
  return `${LINKS}/${installationId}.${id}.${name}`;
}

const PRELUDE = `
set -eu
umask 077
cd ${DATA}
loops_of() { losetup -n -O NAME -j "$1" | tr -d ' '; }
dir=${IMAGES}/$1.$2
links=${LINKS}/$1.$2
shift 2
# One at a time over all gateways: two loop devices on one file would destroy what it holds.
while :; do
  mkdir -p "$dir"
  exec 9< "$dir"
  flock -w 60 9
  # Whoever held it before may have removed it.
  [ "$(stat -L -c %i /proc/self/fd/9)" != "$(stat -c %i "$dir" 2> /dev/null)" ] || break
done
`;

/** Arguments: installation, machine, then for each volume its name, bytes and whether it must exist. Prints what is lost: "missing NAME", "damaged NAME". */
const ATTACH = `
for tool in losetup mkfs.ext4 debugfs e2fsck resize2fs flock truncate; do
  command -v "$tool" > /dev/null || { echo "the program $tool is missing"; exit ${NO_TOOL}; }
done
${PRELUDE}
# Whether the file holds a file system, and all of it: one that was cut must neither grow nor be mounted.
is_whole() {
  stats=$(debugfs -c -R 'show_super_stats -h' "$1" 2> /dev/null | sed -n 's/^Block \\(count\\|size\\): *//p')
  bytes=1
  for factor in $stats; do bytes=$((bytes * factor)); done
  [ "$bytes" -gt 1 ] && [ "$(stat -c %s "$1")" -ge "$bytes" ]
}
check() {
  [ "$3" = yes ] || return 0
  if [ ! -f "$dir/$1.img" ]; then
    echo "missing $1"
    lost=yes
  elif ! is_whole "$dir/$1.img"; then
    echo "damaged $1"
    lost=yes
  fi
}
make() {
  img=$dir/$1.img
  # Under another name until it is whole, for this may be cut short at any point.
  rm -f "$img.new"
  truncate -s "$2" "$img.new"
  mkfs.ext4 -q -F -m 0 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard "$img.new"
  # Only into an empty volume does the engine copy what the image has at its path.
  debugfs -w -R 'rmdir lost+found' "$img.new" 2> /dev/null
  mv "$img.new" "$img"
}
# While nothing has it mounted; otherwise at the next start.
grow() {
  img=$dir/$1.img
  [ "$(stat -c %s "$img")" -lt "$2" ] || [ -e "$img.growing" ] || return 0
  for _ in 1 2 3 4 5; do
    device=$(loops_of "$img" | head -n 1)
    checked=0
    e2fsck -fp "\${device:-$img}" > /dev/null 2>&1 || checked=$?
    # 8 says that it is in use: mounted, or in a container that is just coming up.
    [ "$checked" -eq 8 ] || break
    sleep 0.1
  done
  [ "$checked" -le 1 ] || return 0
  # The size of an attached device is not for us to change.
  [ -z "$device" ] || losetup -d "$device"
  [ -z "$(loops_of "$img")" ] || return 0
  : > "$img.growing"
  truncate -s ">$2" "$img"
  resize2fs "$img" > /dev/null 2>&1
  debugfs -w -R 'rmdir lost+found' "$img" 2> /dev/null
  rm "$img.growing"
}
attach() {
  [ -f "$dir/$1.img" ] || make "$1" "$2"
  grow "$1" "$2"
  device=$(loops_of "$dir/$1.img" | head -n 1)
  if [ -z "$device" ]; then
    # Some file systems cannot do without their cache: then it is attached with it, or not, which the second look tells.
    losetup -f --direct-io=on "$dir/$1.img" || :
    device=$(loops_of "$dir/$1.img" | head -n 1)
    [ -n "$device" ] || losetup -f "$dir/$1.img"
    device=$(loops_of "$dir/$1.img" | head -n 1)
  fi
  if [ "$(readlink "$links.$1")" != "$device" ]; then
    ln -sfn "$device" "$links.$1.new"
    mv -fT "$links.$1.new" "$links.$1"
  fi
}
each() {
  action=$1
  shift
  while [ $# -ge 3 ]; do
    "$action" "$1" "$2" "$3"
    shift 3
  done
}
lost=no
each check "$@"
[ "$lost" = no ] || { rmdir "$dir" 2> /dev/null || :; exit ${LOST}; }
mkdir -p ${LINKS}
each attach "$@"
`;

/** Arguments: installation, machine, names. */
const REMOVE = `
${PRELUDE}
for name in "$@"; do
  img=$dir/$name.img
  devices=
  [ ! -f "$img" ] || devices=$(loops_of "$img")
  linked=$(readlink "$links.$name" || :)
  # Of a file that somebody removed, only the link still tells; unless another file has the device by now.
  if [ -z "$devices" ] && [ -n "$linked" ]; then
    case $(cat "/sys/block/\${linked#/dev/}/loop/backing_file" 2> /dev/null) in
      *"/$img (deleted)") devices=$linked ;;
    esac
  fi
  for device in $devices; do losetup -d "$device"; done
  rm -f "$img" "$img.new" "$img.growing" "$links.$name" "$links.$name.new"
done
rmdir "$dir" 2> /dev/null || :
`;

/** Goes through the loop devices whose file is gone, as when somebody removed it by hand: nothing else would ever free them. */
const EACH_LOOSE_DEVICE = `
for backing in /sys/block/loop*/loop/backing_file; do
  case $(cat "$backing" 2> /dev/null) in
    */${IMAGES}/"$installation".*".img (deleted)") ;;
    *) continue ;;
  esac
  device=\${backing#/sys/block/}
  device=/dev/\${device%%/*}
`;

/** Arguments: installation. One that is mounted goes when it no longer is. */
const DETACH = `
installation=$1
${EACH_LOOSE_DEVICE}
  losetup -d "$device" || :
done
`;

/** Arguments: installation, then directories of plain volumes. */
const MEASURE = `
cd ${DATA}
installation=$1
shift
${EACH_LOOSE_DEVICE}
  echo "loose $device"
done
[ ! -d ${IMAGES} ] || find ${IMAGES} -path "${IMAGES}/$installation.*.img" -exec stat -c 'image %s %b %n' {} + || :
[ $# -eq 0 ] || timeout 20 nice du -sxk -- "$@" 2> /dev/null | sed 's/^/plain /' || :
`;

/** Block size, blocks, free blocks, blocks that are free for anyone. */
const DISK = ['stat', '-f', '-c', '%S %b %f %a', DATA] as const;

/** A command on the engine's host, whose data directory is `dataRoot`. */
export type HostCommandIn = (dataRoot: string) => HostCommand;

const shell = (what: string, script: string, args: readonly string[]) => ({ what, argv: ['sh', '-c', script, 'sh', ...args] as const });

/** A large file system that grows is checked as a whole before. */
const LOOP_MILLISECONDS = 5 * 60_000;

/** Of loop devices, and of what gives them out. */
const DEVICE_RULES = ['b 7:* rwm', 'c 10:237 rwm'];

/** The engine's data directory without what is mounted in it: a copy of a mount would keep a volume busy. */
const dataBind = (source: string, writable: boolean) => ({ source, target: DATA, writable, shallow: true });

function withLoops(command: ReturnType<typeof shell>): HostCommandIn {
  return (dataRoot) => ({
    ...command,
    milliseconds: LOOP_MILLISECONDS,
    capabilities: ['DAC_OVERRIDE'],
    // No use of it is made; a network namespace of its own would cost a tenth of a second.
    network: 'host',
    binds: [dataBind(dataRoot, true), { source: '/dev', writable: true, shallow: true }],
    deviceRules: DEVICE_RULES,
  });
}

function reading(command: Pick<HostCommand, 'what' | 'argv'>): HostCommandIn {
  return (dataRoot) => ({ ...command, capabilities: ['DAC_READ_SEARCH'], network: 'host', binds: [dataBind(dataRoot, false)] });
}

export function attachCommand(installationId: string, id: string, images: readonly ImageSpec[]): HostCommandIn {
  const args = images.flatMap(({ name, sizeBytes, mustExist }) => [name, String(sizeBytes), mustExist ? 'yes' : 'no']);
  return withLoops(shell('attach the storage of a machine', ATTACH, [installationId, id, ...args]));
}

export function removeCommand(installationId: string, id: string, names: readonly string[]): HostCommandIn {
  return withLoops(shell('remove the storage of a machine', REMOVE, [installationId, id, ...names]));
}

export function detachCommand(installationId: string): HostCommandIn {
  return withLoops(shell('detach storage whose file is gone', DETACH, [installationId]));
}

/** `plain`: the engine's names of volumes that are directories of its own. */
export function measureCommand(installationId: string, plain: readonly string[]): HostCommandIn {
  const directories = plain.map((name) => `volumes/${name}/_data`);
  const command = reading(shell('measure its storage', MEASURE, [installationId, ...directories]));
  return (dataRoot) => ({ ...command(dataRoot), maxOutputBytes: 2 ** 20 });
}

export const diskCommand: HostCommandIn = reading({ what: 'read how full its disk is', argv: DISK });
