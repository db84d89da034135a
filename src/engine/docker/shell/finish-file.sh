#!/bin/sh
# Runs on the engine's host, with a machine's volumes at their places: `finish-file VOLUME UPLOADED PATH BYTES PARENTS`.
# Gives a file that was uploaded to the top of a volume its place, PATH below it, and the owner of its directory, in
# place of a file of that name. PARENTS is `make` if missing directories of the path are made. Removes the file if it is
# not whole. Exit codes: 44 a directory of the path is missing, 45 a part of the path is a symbolic link, 46 the file is
# not whole, 47 there is a directory of that name.
cd -P -- "$1" 2>/dev/null && [ "$(pwd -P)" = "$1" ] || exit 45
here=$1 name=$2 way=$3 bytes=$4 parents=$5 top=.
refuse() {
  rm -f -- "$top/$name"
  exit "$1"
}
[ "$(stat -c %s -- "./$name" 2>/dev/null)" = "$bytes" ] || refuse 46
while [ "$way" != "${way#*/}" ]; do
  part=${way%%/*}
  way=${way#*/} here=$here/$part
  if [ "$parents" = make ] && mkdir -- "./$part" 2>/dev/null; then chown -h "$(stat -c %u:%g .)" "./$part"; fi
  [ ! -L "./$part" ] || refuse 45
  cd -P -- "./$part" 2>/dev/null || refuse 44
  top=$top/..
  [ "$(pwd -P)" = "$here" ] || refuse 45
done
file=./$way
# A link is replaced, not followed.
[ ! -L "$file" ] || rm -f -- "$file"
[ ! -d "$file" ] || refuse 47
chown -h "$(stat -c %u:%g .)" "$top/$name" && chmod 644 "$top/$name" && mv -f -- "$top/$name" "$file"
