#!/bin/sh
# Handles all volumes of an installation, and measures directories. The engine's data directory is mounted at /data.
#
# Arguments: measure INSTALLATION SECONDS, then directories: "volume NAME" of a plain volume, "layer ID" of what a
#              container wrote. Takes SECONDS for all directories, half of what is left for each. Prints lines of
#              "loose DEVICE": a loop device whose file was removed,
#              "image BYTES BLOCKS FILE", of 512 bytes a block,
#              "whole KIBIBYTES FILES KIND NAME", or "cut FILES KIND NAME" of a directory that has at least so many.
#              Nothing of one that is not there. Exits with 45 when the host lacks a program;
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

# Where the engine keeps directory $2 of kind $1.
path_of() {
  case $1 in
    volume) echo "volumes/$2/_data" ;;
    layer) echo "overlay2/$(cat "image/overlay2/layerdb/mounts/$2/mount-id" 2> /dev/null || echo none)/diff" ;;
  esac
}

# The last line that awk reads is du's exit code, 1 when a file vanished meanwhile. An empty line is before it, because
# a du that is ended leaves half a line; before that is the directory's sum. Names of files may contain line breaks and
# anything: they only add to the count, and never come last.
walk() {
  directory=$(path_of "$1" "$2")
  [ -d "$directory" ] || return 0
  { timeout "$3" nice du -axk -- "$directory" 2> /dev/null; printf '\n%s\n' $?; } | awk -v directory="$1 $2" '
    NF { sum = code; code = $1; lines += 1 }
    END { if (code <= 1) print "whole", sum, lines - 1, directory; else print "cut", lines - 1, directory }'
}

case $mode in
  measure)
    for tool in awk du find nice timeout; do
      command -v "$tool" > /dev/null || { echo "the program $tool is missing"; exit 45; }
    done
    end=$(($(date +%s) + $1))
    shift
    cd /data || exit
    print_loose | sed 's/^/loose /'
    [ ! -d swiftor ] || find swiftor -path "swiftor/$installation.*.img" -exec stat -c 'image %s %b %n' {} + || :
    while [ $# -ge 2 ]; do
      left=$((end - $(date +%s)))
      # To timeout, 0 is no limit.
      if [ $left -gt 0 ]; then walk "$1" "$2" $(((left + 1) / 2)); else echo "cut 0 $1 $2"; fi
      shift 2
    done
    ;;
  detach) for device in $(print_loose); do losetup -d "$device" || :; done ;;
esac
