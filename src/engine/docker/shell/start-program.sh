#!/bin/sh
# Runs in a machine: prints its process id, then becomes the program "$@". `start-program USER HIDDEN PROGRAM ARG…`:
# USER's home becomes HOME if it is not empty, and the variables of HIDDEN, separated by spaces, are removed. An empty
# PROGRAM is the shell for people. Other programs wait for a line on stdin, and run with none: the gateway sends it once
# it can end them. Prints "missing" instead if there is no such program.
user=$1
for name in $2; do unset "$name"; done
shift 2
program=$1
if [ -n "$user" ]; then
  eval "HOME=~$user"
  export HOME USER="$user" LOGNAME="$user"
fi
if [ -z "$program" ]; then
  cd "$HOME" 2>/dev/null || cd /
  if [ -x /bin/bash ]; then set -- /bin/bash; else set -- /bin/sh; fi
  export SHELL="$1"
fi
command -v -- "$1" >/dev/null 2>&1 || { echo missing; exit 127; }
echo $$
[ -z "$program" ] || read -r _ || exit 129
exec "$@"
