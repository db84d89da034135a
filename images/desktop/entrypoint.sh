#!/bin/bash
# Root only long enough to give /config to abc; then PID 1 is tini as abc, and no process of root's stays.
set -e

PUID=${PUID:-1000} PGID=${PGID:-1000}
for name in PASSWORD VM_PASSWORD; do
  file="FILE__$name"
  if [ -n "${!file:-}" ]; then export "$name=$(cat "${!file}")"; unset "$file"; fi
done

[ "$(id -g abc)" = "$PGID" ] || groupmod -o -g "$PGID" abc
[ "$(id -u abc)" = "$PUID" ] || usermod -o -u "$PUID" abc 2>/dev/null
# A home that somebody else owned is given over once, not at every start: it may hold a million files.
[ "$(stat -c %u:%g /config)" = "$PUID:$PGID" ] || chown -R abc:abc /config
[ -e /config/Desktop ] || install -d -o abc -g abc -m 755 /config/Desktop
[ -e /config/.bashrc ] || install -o abc -g abc -m 644 /etc/skel/.bashrc /config/.bashrc
if [ -n "${TZ:-}" ] && [ -f "/usr/share/zoneinfo/$TZ" ]; then ln -snf "/usr/share/zoneinfo/$TZ" /etc/localtime; fi

install -d -o abc -g abc -m 700 /run/desk /run/desk/xdg
install -d -m 1777 /tmp/.X11-unix /tmp/.ICE-unix
# Of use only where the engine lets processes gain rights, which the gateway does not.
case "${SUDO:-true}" in
  true | 1 | yes) echo 'abc ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/abc && chmod 440 /etc/sudoers.d/abc ;;
  *) rm -f /etc/sudoers.d/abc ;;
esac

# By a pipe, so that neither the session's environment nor /proc has it.
exec 3< <(printf %s "${PASSWORD:-${VM_PASSWORD:-}}")
unset PASSWORD VM_PASSWORD
cd /config
# -P and -s: no file in the home may take the place of a module of the server.
exec setpriv --reuid abc --regid abc --init-groups \
  env -u PUID -u PGID DESK_PASSWORD_FD=3 HOME=/config USER=abc LOGNAME=abc SHELL=/bin/bash \
  XDG_RUNTIME_DIR=/run/desk/xdg XDG_CONFIG_DIRS=/etc/xdg NO_AT_BRIDGE=1 GTK_A11Y=none PYTHONPATH=/opt/desk \
  /usr/bin/tini -- python3 -P -s -m desktop_server
