#!/bin/sh
# Runs on the engine's host, with a machine's volumes at their places: `finish-file DIRECTORY UPLOADED NAME BYTES`.
# Gives an uploaded file its name and the owner of its directory, in place of a file of that name. Removes it if it is
# not whole. Exit codes: 45 a part of the directory's path is a symbolic link, 46 it is not whole, 47 there is a
# directory of that name.
cd -P -- "$1" 2>/dev/null && [ "$(pwd -P)" = "$1" ] || exit 45
uploaded=./$2 file=./$3
if [ "$(stat -c %s -- "$uploaded" 2>/dev/null)" != "$4" ]; then
  rm -f -- "$uploaded"
  exit 46
fi
# A link is replaced, not followed.
[ ! -L "$file" ] || rm -f -- "$file"
if [ -d "$file" ]; then
  rm -f -- "$uploaded"
  exit 47
fi
chown "$(stat -c %u:%g .)" "$uploaded" && chmod 644 "$uploaded" && mv -f -- "$uploaded" "$file"
