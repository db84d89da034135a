#!/bin/sh
# Runs on the engine's host, with a machine's volumes at their places: `list-files DIRECTORY MOST`. Prints a line for
# each entry: mode (hexadecimal), bytes, seconds since 1970, "./NAME"; then "more" if there are more than MOST. Exit
# codes: 44 there is no such directory, 45 a part of its path is a symbolic link.
directory=$1 most=$2
cd -P -- "$directory" 2>/dev/null || exit 44
[ "$(pwd -P)" = "$directory" ] || exit 45
newline='
'
set --
for each in ./* ./.[!.]* ./..?*; do
  [ -e "$each" ] || [ -L "$each" ] || continue
  case $each in *"$newline"*) continue ;; esac
  if [ $# -ge "$most" ]; then
    more=yes
    break
  fi
  set -- "$@" "$each"
done
# What was removed meanwhile is no error.
[ $# -eq 0 ] || stat -c '%f %s %Y %n' -- "$@" 2>/dev/null || true
[ -z "$more" ] || echo more
