#!/bin/sh
# Keeps the firewall's rules around VMs in place. Runs on the engine's host: any sh with iptables.
#
# Arguments: once or watch; the chains FORWARD, INPUT and DENY; the pattern of the bridges; the rules of IPv4 and IPv6.
# once exits with 0 when the rules stand, else with 1 and the reason on stderr.
# watch looks every two seconds, and once for each word on its input, which it then prints, whether the rules still are
# as it put them up, before all others. Exits with 1 when they cannot be had, and with 0 after a minute in which no
# gateway asked and no VM was on the bridges.
set -u
mode=$1 forward=$2 input=$3 deny=$4 bridges=$5 rules4=$6 rules6=$7
calls=/proc/sys/net/bridge/bridge-nf-call-iptables
newline='
'

say() { echo "$*" >&2; }

# Reads the rules of tool $1. parent is the chain that sees forwarded packets first; state is all that matters to us.
look() {
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

# Tool $1 gets the rules $2 anew, in one transaction.
put_up() {
  look "$1" || [ -n "$all" ] || return 1
  said=$("$1-restore" -w 5 --noflush 2>&1 <<END
*filter
:$forward - [0:0]
:$input - [0:0]
:$deny - [0:0]
$jumps$2
-I $parent 1 -i $bridges -j $forward
-I INPUT 1 -i $bridges -j $input
COMMIT
END
  ) || { say "$1-restore: $said"; return 1; }
  look "$1" || { say "$1: the rules were put up, but are not the first ones"; return 1; }
}

guard() {
  if [ "$(cat $calls 2>/dev/null)" != 1 ]; then
    say "$calls is not 1, so VMs on one bridge could reach each other: set it with sysctl"
    return 1
  fi
  if ! look iptables || [ "$state" != "$state4" ]; then
    put_up iptables "$rules4" || return 1
    state4=$state
  fi
  # Without IPv6 on the host there is nothing to close.
  [ -e /proc/net/if_inet6 ] || return 0
  if ! look ip6tables || [ "$state" != "$state6" ]; then
    put_up ip6tables "$rules6" || return 1
    state6=$state
  fi
}

state4='' state6=''
if [ "$mode" = once ]; then
  # Another program may be changing the rules at this very moment.
  guard || { sleep 1; guard; }
  exit
fi

# A gateway sends a word, and gets it back once the rules were looked at. Our own empty line comes every two seconds.
( while sleep 2; do echo; done > /proc/$$/fd/0 ) &
idle=0
while read -r word; do
  guard || { sleep 1; guard; } || exit 1
  idle=$((idle + 1))
  for port in /sys/class/net/"${bridges%+}"*/brif/*; do
    [ ! -e "$port" ] || idle=0
  done
  if [ -n "$word" ]; then
    idle=0
    echo "$word"
  fi
  [ $idle -lt 30 ] || exit 0
done
