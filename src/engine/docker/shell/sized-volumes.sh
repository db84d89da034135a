#!/bin/sh
# Volumes of a fixed size: each is a file with a file system, on a loop device. The engine's data directory is mounted
# at /data. The engine's volume refers to the device by a link, because loop devices have other numbers after a reboot.
#
# Arguments: attach INSTALLATION MACHINE, then for each volume NAME BYTES yes|no (whether it must exist);
#            remove INSTALLATION MACHINE NAME...
# attach exits with 44 if data is lost, and prints "missing NAME" or "damaged NAME" for each such volume; with 45 if the
# host lacks a program.
mode=$1
shift
if [ "$mode" = attach ]; then
  for tool in losetup mkfs.ext4 debugfs e2fsck resize2fs flock truncate; do
    command -v "$tool" > /dev/null || { echo "the program $tool is missing"; exit 45; }
  done
fi
set -eu
umask 077
cd /data

loops_of() { losetup -n -O NAME -j "$1" | tr -d ' '; }

dir=swiftor/$1.$2
links=/dev/swiftor/$1.$2
shift 2
# Locked against other gateways: two loop devices on one file would destroy its content.
while :; do
  mkdir -p "$dir"
  exec 9< "$dir"
  flock -w 60 9
  # The previous holder of the lock may have removed the directory.
  [ "$(stat -L -c %i /proc/self/fd/9)" != "$(stat -c %i "$dir" 2> /dev/null)" ] || break
done

# Whether the file contains a complete file system. A truncated one must neither grow nor be mounted.
is_whole() {
  stats=$(debugfs -c -R 'show_super_stats -h' "$1" 2> /dev/null | sed -n 's/^Block \(count\|size\): *//p')
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
  # Under another name until it is complete, because this script may be killed at any point.
  rm -f "$img.new"
  truncate -s "$2" "$img.new"
  mkfs.ext4 -q -F -m 0 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard "$img.new"
  # The engine copies the image's files into a volume only if it is empty.
  debugfs -w -R 'rmdir lost+found' "$img.new" 2> /dev/null
  mv "$img.new" "$img"
}

# Only while it is not mounted; otherwise at the next start.
grow() {
  img=$dir/$1.img
  [ "$(stat -c %s "$img")" -lt "$2" ] || [ -e "$img.growing" ] || return 0
  for _ in 1 2 3 4 5; do
    device=$(loops_of "$img" | head -n 1)
    checked=0
    e2fsck -fp "${device:-$img}" > /dev/null 2>&1 || checked=$?
    # 8 means that it is in use: mounted, or in a container that is starting.
    [ "$checked" -eq 8 ] || break
    sleep 0.1
  done
  [ "$checked" -le 1 ] || return 0
  # The file of an attached device must not change its size.
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
    # Some file systems do not support direct I/O: losetup then attaches without it, or fails.
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

attach_all() {
  lost=no
  each check "$@"
  [ "$lost" = no ] || { rmdir "$dir" 2> /dev/null || :; exit 44; }
  mkdir -p /dev/swiftor
  each attach "$@"
}

remove_all() {
  for name in "$@"; do
    img=$dir/$name.img
    devices=
    [ ! -f "$img" ] || devices=$(loops_of "$img")
    linked=$(readlink "$links.$name" || :)
    # If the file was removed by hand, only the link has the device, unless another file uses it by now.
    if [ -z "$devices" ] && [ -n "$linked" ]; then
      case $(cat "/sys/block/${linked#/dev/}/loop/backing_file" 2> /dev/null) in
        *"/$img (deleted)") devices=$linked ;;
      esac
    fi
    for device in $devices; do losetup -d "$device"; done
    rm -f "$img" "$img.new" "$img.growing" "$links.$name" "$links.$name.new"
  done
  rmdir "$dir" 2> /dev/null || :
}

case $mode in
  attach) attach_all "$@" ;;
  remove) remove_all "$@" ;;
esac
