#!/bin/sh
# Runs in a machine: `hang-up SESSION SECONDS`. Waits until stdin ends, which it does with the gateway's connection,
# however that ends; then all processes of the session get HUP, and what still runs after SECONDS gets KILL. A line on
# stdin says that the session has ended by itself.
session=$1
read -r _ && exit 0
signal() {
  for stat in /proc/[0-9]*/stat; do
    { read -r line < "$stat"; } 2>/dev/null || continue
    # After the name in parentheses: state, parent, group, session.
    rest=${line##*) }
    rest=${rest#* * * }
    [ "${rest%% *}" = "$session" ] || continue
    process=${stat#/proc/}
    kill -"$1" "${process%/stat}" 2>/dev/null
  done
}
signal HUP
[ "$2" = 0 ] || sleep "$2"
signal KILL
