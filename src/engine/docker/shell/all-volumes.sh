#!/bin/sh
# Handles all volumes of an installation. The engine's data directory is mounted at /data.
#
# Arguments: measure INSTALLATION, then directories of plain volumes below the data directory. Prints
#              "loose DEVICE": a loop device whose file was removed,
#              "image BYTES BLOCKS FILE", of 512 bytes a block, and "plain KIBIBYTES DIRECTORY";
#            detach INSTALLATION: detaches those loop devices, mounted ones as soon as they are unmounted.
mode=$1
installation=$2
shift 2

# Their files were removed by hand, so nothing else would detach them.
print_loose() {
  for backing in /sys/block/loop*/loop/backing_file; do
    case $(cat "$backing" 2> /dev/null) in
      */swiftor/"$installation".*".img (deleted)") ;;
      *) continue ;;
    esac
    device=${backing#/sys/block/}
    echo "/dev/${device%%/*}"
  done
}

case $mode in
  measure)
    cd /data || exit
    print_loose | sed 's/^/loose /'
    [ ! -d swiftor ] || find swiftor -path "swiftor/$installation.*.img" -exec stat -c 'image %s %b %n' {} + || :
    [ $# -eq 0 ] || timeout 20 nice du -sxk -- "$@" 2> /dev/null | sed 's/^/plain /' || :
    ;;
  detach) for device in $(print_loose); do losetup -d "$device" || :; done ;;
esac
