#!/bin/bash
# A swarm of engines on one machine, each in namespaces of its own: rig.sh NAME FOLDER SUBNET, as root. SUBNET: "10.78.7".
# Reads commands, one a line, and answers each with "ok" or "failed". When its input ends, it removes all that it made.
set -u
name=$1 folder=$2 subnet=$3
exec 2>>"$folder/log"

run() { "$@" >>"$folder/log" 2>&1; }

# The bridge has a namespace of its own: in that of the host, the host's firewall would judge what nodes say.
join_network() { # NAMESPACE ADDRESS: a cable from the bridge to a namespace of that name
  run ip netns add "$1" && run ip -n "$1" link set lo up &&
    run ip -n "${name}0" link add "$1" type veth peer name eth0 netns "$1" &&
    run ip -n "${name}0" link set "$1" master bridge up &&
    run ip -n "$1" addr add "$2/24" dev eth0 && run ip -n "$1" link set eth0 up &&
    run ip -n "$1" route add default via "$subnet.1"
}

# What a killed run left. The last part of a name is the process that had it.
sweep() {
  for path in /sys/class/net/swr*; do
    local old=${path##*/}
    [ -e "$path" ] && [ ! -d "/proc/${old#swr}" ] || continue
    for number in 0 1 2 3 4; do run ip netns del "$old$number"; done
    run ip link del "$old"
  done
}

open() {
  sweep
  run ip netns add "${name}0" && run ip -n "${name}0" link add bridge type bridge &&
    run ip -n "${name}0" link set bridge up &&
    run ip link add "$name" type veth peer name host netns "${name}0" &&
    run ip -n "${name}0" link set host master bridge up &&
    run ip addr add "$subnet.1/24" dev "$name" && run ip link set "$name" up
}

start() { # NODE NUMBER OPTIONS...
  local node=$1 number=$2 dir=$folder/$1
  shift 2
  mkdir -p "$dir/data"
  [ -e "/run/netns/$name$number" ] || join_network "$name$number" "$subnet.1$number" || return 1
  rm -rf "$dir/exec" "$dir/docker.pid" "$dir/docker.sock"
  mkdir -p "$dir/exec"
  # With its first process all others of the namespace end, as in a power cut.
  setsid setpriv --pdeathsig KILL nsenter --net="/run/netns/$name$number" unshare --mount --uts --pid --fork --kill-child=KILL \
    --propagation private --mount-proc setpriv --pdeathsig KILL bash -c '
      node=$1 dir=$2 group=$3
      shift 3
      hostname "$node"
      mount -t tmpfs tmpfs /run
      mkdir -p /run/lock
      : >/run/xtables.lock
      echo "nameserver 192.0.2.53" >"$dir/resolv.conf"
      mount --bind "$dir/resolv.conf" /etc/resolv.conf
      ln -s "$dir/docker.sock" /run/docker.sock
      ln -s "$dir/data/swarm/certificates" /run/swarm-certificates
      exec docker-init -- dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/docker.pid" \
        --host "unix://$dir/docker.sock" --cgroup-parent "/$group" "$@"' \
    _ "$node" "$dir" "$name$number" "$@" >>"$dir/log" 2>&1 </dev/null &
  echo $! >"$dir/outer.pid"
  for _ in $(seq 400); do
    curl --silent --fail --output /dev/null --unix-socket "$dir/docker.sock" http://engine/_ping &&
      pgrep -P "$(cat "$dir/outer.pid")" >"$dir/inner.pid" && return 0
    sleep 0.05
  done
  return 1
}

kill_node() {
  local outer
  outer=$(cat "$folder/$1/outer.pid") || return 1
  run kill -KILL "$(cat "$folder/$1/inner.pid")" "$outer"
  wait "$outer" 2>/dev/null
  return 0
}

agent() { # NODE COMMAND...: runs it in the node's namespaces; it ends with the node
  local node=$1 pid
  shift
  pid=$(cat "$folder/$node/inner.pid") || return 1
  setsid setpriv --pdeathsig KILL nsenter --target "$pid" --net --mount --uts --pid "$@" >>"$folder/$node/agent.log" 2>&1 </dev/null &
  echo $! >"$folder/$node/agent.pid"
}

close() {
  for dir in "$folder"/*/; do
    [ -f "$dir/outer.pid" ] && kill_node "$(basename "$dir")"
  done
  for number in 1 2 3 4; do
    run ip netns del "$name$number"
    for group in /sys/fs/cgroup/*/"$name$number" /sys/fs/cgroup/"$name$number"; do
      [ -d "$group" ] && run find "$group" -depth -type d -exec rmdir {} +
    done
  done
  run ip netns del "${name}0"
  run ip link del "$name"
  # The loop devices of volumes outlive their engines.
  for image in "$folder"/*/data/swiftor/*/*.img; do
    for device in $(losetup --noheadings --output NAME --associated "$image" 2>/dev/null); do
      run losetup --detach "$device"
    done
  done
  # A mount outlives its namespace for a moment.
  for _ in $(seq 50); do rm -rf "$folder" 2>/dev/null && return; sleep 0.1; done
}

trap '' INT TERM HUP
trap close EXIT
open || { echo failed; exit 1; }
echo ok
while read -r verb rest; do
  set -- $rest
  case $verb in
    start) start "$@" ;;
    kill) kill_node "$1" ;;
    agent) agent "$@" ;;
    end-agent) kill -KILL "$(cat "$folder/$1/agent.pid")" ;;
    cut) run ip -n "${name}0" link set "$name$1" down ;;
    heal) run ip -n "${name}0" link set "$name$1" up ;;
    *) false ;;
  esac && echo ok || echo failed
done
