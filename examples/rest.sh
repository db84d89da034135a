#!/usr/bin/env sh
# Creates a VM, starts it, waits until it is RUNNING, and deletes it, over the REST API.
#
#     TOKEN=$(npm run --silent token -- --user alice) sh examples/rest.sh
set -eu
gateway="${GATEWAY_URL:-http://localhost:4000}"
distribution="${DISTRIBUTION:-debian}"
desktop="${DESKTOP-xfce}"

ask() { # METHOD PATH [BODY]
  curl --silent --show-error --fail-with-body --request "$1" "$gateway$2" \
    --header "Authorization: Bearer $TOKEN" --header 'Content-Type: application/json' ${3:+--data "$3"}
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

os="\"distribution\":{\"code\":\"$distribution\"},${desktop:+\"desktop\":\"$desktop\",}\"cpu\":1,\"ram\":1"
config='"vmlabel":"From a script","region":{"code":"AU"},"password":"secret"'
id=$(ask POST /vms/create "{\"config\":{$config},\"os\":{$os}}" | field id)
echo "created $id"
ask POST "/vms/start/$id" > /dev/null

tries=0
until status=$(ask GET "/vms/$id" | field status) && [ "$status" = RUNNING ]; do
  tries=$((tries + 1))
  [ "$status" != FAILED ] && [ "$tries" -lt 180 ] || { echo "the VM is $status" >&2; exit 1; }
  sleep 1
done
echo "running"
ask DELETE "/vms/delete/$id" > /dev/null
echo "deleted"
