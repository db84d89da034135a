#!/bin/sh
# From a clone to a running VM with the gateway in a container, its database inside: container.sh DISTRIBUTION
# [DESKTOP]. NAME, PORT: of the container, and where it listens. CONFIG: a folder for /config, with a catalog.json if it
# has one.
set -eu
name=${NAME:-swiftor} port=${PORT:-4000} config=${CONFIG:-$PWD/config}
cd "$(dirname "$0")/../.."
mkdir -p "$config"
npm run --silent image
docker run --detach --init --name "$name" --network host \
  --group-add "$(stat -c %g /var/run/docker.sock)" --volume /var/run/docker.sock:/var/run/docker.sock \
  --volume "$name:/data" --volume "$config:/config:ro" \
  --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
  --env PORT="$port" --env CATALOG_FILE="${CATALOG_FILE:-}" \
  --env SECRETS_KEY="$(openssl rand -base64 32)" --env JWT_SECRET="$(openssl rand -base64 48)" \
  "swiftor/gateway:$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)"
docker exec "$name" swiftor token --user me --plan hacker |
  docker exec --interactive "$name" node /opt/swiftor/deploy/try/first-vm.js "http://127.0.0.1:$port" "$@"
