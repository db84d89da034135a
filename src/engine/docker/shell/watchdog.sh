#!/bin/sh
# Keeps the firewall rules that isolate VMs in place. Runs on the engine's host, in any sh with iptables.
#
# Arguments: once or watch; the chains FORWARD, INPUT and DENY; the pattern of the bridges; the rules of IPv4 and IPv6.
# once installs the rules. Exits with 0 if they are in place, else with 1 and the reason on stderr.
# watch restores the rules and their position before all others: every two seconds, and for each token that it reads,
# which it then prints. Exits with 1 if they cannot be installed, and with 0 after a minute in which no gateway asked
# and no VM was on the bridges.
set -u
mode=$1 forward=$2 input=$3 deny=$4 bridges=$5 rules4=$6 rules6=$7
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

# Replaces the rules of tool $1 by $2, in one transaction.
install_rules() {
  read_rules "$1" || [ -n "$all" ] || return 1
  output=$("$1-restore" -w 5 --noflush 2>&1 <<END
*filter
:$forward - [0:0]
:$input - [0:0]
:$deny - [0:0]
$jumps$2
-I $parent 1 -i $bridges -j $forward
-I INPUT 1 -i $bridges -j $input
COMMIT
END
  ) || { say "$1-restore: $output"; return 1; }
  read_rules "$1" || { say "$1: the rules were installed, but are not the first ones"; return 1; }
}

ensure_rules() {
  if [ "$(cat $calls 2>/dev/null)" != 1 ]; then
    say "$calls is not 1, so VMs on one bridge could reach each other: set it with sysctl"
    return 1
  fi
  if ! read_rules iptables || [ "$state" != "$state4" ]; then
    install_rules iptables "$rules4" || return 1
    state4=$state
  fi
  # Without IPv6 on the host, there is nothing to isolate.
  [ -e /proc/net/if_inet6 ] || return 0
  if ! read_rules ip6tables || [ "$state" != "$state6" ]; then
    install_rules ip6tables "$rules6" || return 1
    state6=$state
  fi
}

state4='' state6=''
if [ "$mode" = once ]; then
  # Another program may be changing the rules at the same time.
  ensure_rules || { sleep 1; ensure_rules; }
  exit
fi

# A gateway sends a token and gets it back after the check. An empty line from ourselves comes every two seconds.
( while sleep 2; do echo; done > /proc/$$/fd/0 ) &
idle=0
while read -r token; do
  ensure_rules || { sleep 1; ensure_rules; } || exit 1
  idle=$((idle + 1))
  for port in /sys/class/net/"${bridges%+}"*/brif/*; do
    [ ! -e "$port" ] || idle=0
  done
  if [ -n "$token" ]; then
    idle=0
    echo "$token"
  fi
  [ $idle -lt 30 ] || exit 0
done
