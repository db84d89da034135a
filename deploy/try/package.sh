#!/bin/sh
# From a clone to a running VM with the package and systemd, as root: package.sh DISTRIBUTION [DESKTOP].
# ROOT: a folder to install into instead of /; the unit is then checked, and what it starts is run without systemd.
# NODE: a Node 24 or later to install. More settings come from the file SETTINGS, a line each.
set -eu
root=${ROOT:-} settings=${SETTINGS:-/dev/null}
cd "$(dirname "$0")/../.."
node=$(readlink -f "${NODE:-.runtime/node}")

getent passwd swiftor >/dev/null || useradd --system --home-dir /var/lib/swiftor --shell /usr/sbin/nologin swiftor
mkdir -p "$root/opt/swiftor/bin" "$root/etc/systemd/system"
npm pack --silent --pack-destination "$root/opt/swiftor"
npm install --silent --no-save --prefix "$root/opt/swiftor" "$root"/opt/swiftor/swiftor-gateway-*.tgz
install --mode 755 "$node" "$root/opt/swiftor/bin/node"

install --directory --mode 700 "$root/etc/swiftor"
env=$root/etc/swiftor/swiftor.env
if [ ! -f "$env" ]; then
  install --mode 600 deploy/swiftor.env "$env"
  sed -i "s#^SECRETS_KEY=#&$(openssl rand -base64 32)#; s#^JWT_SECRET=#&$(openssl rand -base64 48)#" "$env"
  cat "$settings" >> "$env"
fi
unit=$root/etc/systemd/system/swiftor.service
sed "s#/opt/swiftor#$root/opt/swiftor#g; s#/etc/swiftor#$root/etc/swiftor#g; s#/var/#$root/var/#g" \
  deploy/swiftor.service > "$unit"
systemd-analyze verify "$unit"

# The unit's program with its variables, for this script's commands, and in place of systemd where it does not run.
swiftor() {
  while IFS= read -r line; do
    case $line in '' | '#'*) ;; *) export "${line?}" ;; esac
  done < "$env"
  export NODE_ENV=production DATA_DIR="$root/var/lib/swiftor" XDG_CACHE_HOME="$root/var/cache/swiftor"
  exec setpriv --reuid swiftor --regid swiftor --groups "$(stat -c %g /var/run/docker.sock)" \
    "$root/opt/swiftor/bin/node" "$root/opt/swiftor/node_modules/swiftor-gateway/dist/src/cli.js" "$@"
}
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl enable --now swiftor
else
  install --directory --mode 700 --owner swiftor --group swiftor "$root/var/lib/swiftor" "$root/var/cache/swiftor"
  swiftor serve > "$root/var/lib/swiftor.log" 2>&1 &
  echo $! > "$root/var/lib/swiftor.pid"
fi
port=$(sed -n 's/^PORT=//p' "$env" | tail -n 1)
swiftor token --user me --plan hacker |
  "$root/opt/swiftor/bin/node" "$root/opt/swiftor/node_modules/swiftor-gateway/deploy/try/first-vm.js" \
    "http://127.0.0.1:$port" "$@"
