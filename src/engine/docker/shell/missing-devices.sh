#!/bin/sh
# Prints those of the devices (/dev/dri) that the host, whose /dev is /host-dev here, does not have.
for device; do
  [ -e "/host-dev${device#/dev}" ] || echo "$device"
done
