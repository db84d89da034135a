#!/bin/bash
# Root only long enough to give /config to abc; then PID 1 is tini as abc, and no process of root's stays.
set -e

PUID=${PUID:-1000} PGID=${PGID:-1000}
for name in PASSWORD VM_PASSWORD HASHED_PASSWORD; do
  file="FILE__$name"
  if [ -n "${!file:-}" ]; then export "$name=$(cat "${!file}")"; unset "$file"; fi
done
# code-server takes it out of the environment itself, before it starts anything.
export PASSWORD="${PASSWORD:-${VM_PASSWORD:-}}"
unset VM_PASSWORD SUDO_PASSWORD

[ "$(id -g abc)" = "$PGID" ] || groupmod -o -g "$PGID" abc
[ "$(id -u abc)" = "$PUID" ] || usermod -o -u "$PUID" abc 2>/dev/null
# Given over once, not at every start: a home may hold a million files. The workspace may be a volume of its own.
for folder in /config /config/workspace; do
  mkdir -p "$folder"
  [ "$(stat -c %u:%g "$folder")" = "$PUID:$PGID" ] || chown -R abc:abc "$folder"
done
if [ -n "${TZ:-}" ] && [ -f "/usr/share/zoneinfo/$TZ" ]; then ln -snf "/usr/share/zoneinfo/$TZ" /etc/localtime; fi

install -d -o abc -g abc /config/data /config/data/User /config/extensions
if [ ! -e /config/data/User/settings.json ]; then
  settings='{ "telemetry.telemetryLevel": "off", "update.mode": "none", "chat.disableAIFeatures": true, "workbench.startupEditor": "none" }'
  printf '%s\n' "$settings" > /config/data/User/settings.json
  chown abc:abc /config/data/User/settings.json
fi
[ -e /config/.bashrc ] || install -o abc -g abc -m 644 /etc/skel/.bashrc /config/.bashrc
# Of use only where the engine lets processes gain rights, which the gateway does not.
case "${SUDO:-true}" in
  true | 1 | yes) echo 'abc ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/abc && chmod 440 /etc/sudoers.d/abc ;;
  *) rm -f /etc/sudoers.d/abc ;;
esac

auth=password
if [ -z "$PASSWORD$HASHED_PASSWORD" ]; then
  case "${NO_AUTH:-}" in
    true | 1 | yes) auth=none ;;
    *)
      PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
      echo "no PASSWORD was given; until the next start it is $PASSWORD"
      ;;
  esac
fi

cd /config/workspace
exec setpriv --reuid abc --regid abc --init-groups env -u PUID -u PGID HOME=/config USER=abc LOGNAME=abc \
  /usr/bin/tini -g -- /opt/node/bin/node /opt/code-server --bind-addr "0.0.0.0:${CUSTOM_PORT:-8443}" \
  --user-data-dir /config/data --extensions-dir /config/extensions --disable-telemetry --disable-update-check \
  --disable-getting-started-override --disable-workspace-trust --auth "$auth" --app-name "${TITLE:-code-server}" \
  "${DEFAULT_WORKSPACE:-/config/workspace}"
