#!/bin/sh
# Keeps the firewall rules that isolate VMs in place, and the kernel's limits that all VMs share high enough for all.
# Runs on the engine's host, whose /proc/sys is mounted at /host-sys, in any sh with iptables.
#
# Arguments: once or watch; the chains FORWARD, INPUT and DENY; the pattern of the bridges; the rules of IPv4 and IPv6;
# the lowest values of kernel settings, a "PATH VALUE" per line.
# once installs the rules. Exits with 0 if they are in place, else with 1 and the reason on stderr.
# watch restores the rules, their position before all others, and the settings: every two seconds, and for each token
# that it reads. It then prints the token, followed by the limits that this host cannot hold: "connlimit", or
# "PATH=VALUE" of a setting that stays lower. Exits with 1 if the rules cannot be installed, and with 0 after a minute
# in which no gateway asked and no VM was on the bridges.
set -u
mode=$1 forward=$2 input=$3 deny=$4 bridges=$5 rules4=$6 rules6=$7 settings=$8
calls=/proc/sys/net/bridge/bridge-nf-call-iptables
newline='
'

say() { echo "$*" >&2; }

# Reads the rules of tool $1. Sets parent to the chain that sees forwarded packets first, and state to all rules that
# concern us. Fails if our chains are not called first.
read_rules() {
  of_forward='' of_input='' of_user='' part='' jumps='' state=''
  all=$("$1" -w 5 -S 2>&1) || { say "$1: $all"; return 1; }
  while read -r line; do
    case $line in
      "-A $forward "* | "-A $input "* | "-A $deny "*) part=$part$line$newline ;;
      *" -i $bridges -j $forward" | *" -i $bridges -j $input") jumps=$jumps-D${line#-A}$newline ;;
    esac
    case $line in
      "-A FORWARD "*) [ -n "$of_forward" ] || of_forward=$line ;;
      "-A DOCKER-USER "*) [ -n "$of_user" ] || of_user=$line ;;
      "-A INPUT "*) [ -n "$of_input" ] || of_input=$line ;;
    esac
  done <<END
$all
END
  if [ "$of_forward" = '-A FORWARD -j DOCKER-USER' ]; then
    parent=DOCKER-USER first=$of_user
  else
    parent=FORWARD first=$of_forward
  fi
  state=$part$first$newline$of_input
  [ "$first" = "-A $parent -i $bridges -j $forward" ] && [ "$of_input" = "-A INPUT -i $bridges -j $input" ]
}

# Replaces the rules of tool $1 by $2, in one transaction. If the chains still are $3, only moves the jumps to them:
# rules that are installed again start to count connections at 0.
install_rules() {
  read_rules "$1" || [ -n "$all" ] || return 1
  chains=":$forward - [0:0]$newline:$input - [0:0]$newline:$deny - [0:0]$newline"
  rules=$2
  [ "$part" != "$3" ] || chains='' rules=''
  output=$("$1-restore" -w 5 --noflush 2>&1 <<END
*filter
$chains$jumps$rules
-I $parent 1 -i $bridges -j $forward
-I INPUT 1 -i $bridges -j $input
COMMIT
END
  ) || { say "$1-restore: $output"; return 1; }
  read_rules "$1" || { say "$1: the rules were installed, but are not the first ones"; return 1; }
}

# Prints the rules $1 without those that count connections, which some kernels cannot.
without_counting() {
  while read -r line; do
    case $line in *" -m connlimit "* | *" -m hashlimit "*) ;; *) echo "$line" ;; esac
  done <<END
$1
END
}

# Raises the settings that are too low, and sets low to those that stay so.
raise_settings() {
  low='' floors=''
  set --
  while read -r path floor; do
    # This kernel or this network namespace has no such limit.
    [ -e "/host-sys/$path" ] || continue
    set -- "$@" "/host-sys/$path"
    floors="$floors$floor "
  done <<END
$settings
END
  [ $# -gt 0 ] || return 0
  # Not with read, which reads single bytes: these files return their value to the first read only.
  values=$(cat "$@")
  for value in $values; do
    floor=${floors%% *}
    floors=${floors#* }
    if [ "$value" -lt "$floor" ]; then
      { echo "$floor" > "$1"; } 2> /dev/null || :
      value=$(cat "$1")
      [ "$value" -ge "$floor" ] || low="$low ${1#/host-sys/}=$value"
    fi
    shift
  done
}

# With an argument, this is the second attempt.
ensure_rules() {
  is_second=${1:-}
  raise_settings
  if [ "$(cat $calls 2>/dev/null)" != 1 ]; then
    say "$calls is not 1, so VMs on one bridge could reach each other: set it with sysctl"
    return 1
  fi
  if ! read_rules iptables || [ "$state" != "$state4" ]; then
    if install_rules iptables "$rules4" "$part4"; then
      # It may only have moved the jumps, to rules without counting.
      [ -z "$rules" ] || uncounted=''
    else
      # The first attempt may have failed for another reason.
      [ -n "$uncounted$is_second" ] || return 1
      install_rules iptables "$(without_counting "$rules4")" "$part4" || return 1
      uncounted=' connlimit'
    fi
    state4=$state part4=$part
  fi
  # Without IPv6 on the host, there is nothing to isolate.
  [ -e /proc/net/if_inet6 ] || return 0
  if ! read_rules ip6tables || [ "$state" != "$state6" ]; then
    install_rules ip6tables "$rules6" "$part6" || return 1
    state6=$state part6=$part
  fi
}

state4='' state6='' part4=none part6=none uncounted='' low=''
if [ "$mode" = once ]; then
  # Another program may be changing the rules at the same time.
  ensure_rules || { sleep 1; ensure_rules again; }
  exit
fi

# A gateway sends a token and gets it back after the check. An empty line from ourselves comes every two seconds. Its
# writer opens our input in the background, at a moment when descriptor 0 may be a here-document.
exec 4<&0
( while sleep 2; do echo; done > /proc/$$/fd/4 ) &
idle=0 checks=0
while read -r token; do
  checks=$((checks + 1))
  # Once in a while, try again to count connections.
  [ -z "$uncounted" ] || [ $((checks % 30)) -ne 0 ] || state4='' part4=none
  ensure_rules || { sleep 1; ensure_rules again; } || exit 1
  idle=$((idle + 1))
  for port in /sys/class/net/"${bridges%+}"*/brif/*; do
    [ ! -e "$port" ] || idle=0
  done
  if [ -n "$token" ]; then
    idle=0
    echo "$token$uncounted$low"
  fi
  [ $idle -lt 30 ] || exit 0
done
