#!/bin/sh
# Prints the given devices (such as /dev/dri) that the host lacks. The host's /dev is mounted at /host-dev.
for device; do
  [ -e "/host-dev${device#/dev}" ] || echo "$device"
done
