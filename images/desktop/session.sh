#!/bin/sh
# The session: sound into a sink that the page listens to, then the desktop, or a window manager and one application.
unset DESK_PASSWORD_FD PYTHONPATH

{
  pipewire &
  tries=0
  while [ ! -S "$XDG_RUNTIME_DIR/pipewire-0" ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  wireplumber &
  exec pipewire-pulse
} >/tmp/sound.log 2>&1 &

if [ -n "${DESK_APP:-}" ]; then
  $DESK_SESSION &
  # Closed, it opens again: there is nothing else here to go on with.
  while :; do sh -c "$DESK_APP"; sleep 1; done
fi
exec $DESK_SESSION
