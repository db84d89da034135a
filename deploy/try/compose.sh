#!/bin/sh
# From a clone to a running VM with compose.yaml: compose.sh DISTRIBUTION [DESKTOP]. Its files go to FOLDER.
# COMPOSE: the command, where it is not "docker compose". PROJECT, and what compose.yaml takes: PORT, POSTGRES_IMAGE, …
set -eu
folder=${FOLDER:-$PWD/swiftor} project=${PROJECT:-swiftor}
cd "$(dirname "$0")/../.."
mkdir -p "$folder/config"
cp deploy/compose.yaml "$folder/"
npm run --silent image
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
cd "$folder"
umask 077
[ -f .env ] || cat > .env <<END
DOCKER_GID=$(stat -c %g /var/run/docker.sock)
SECRETS_KEY=$(openssl rand -base64 32)
JWT_SECRET=$(openssl rand -base64 48)
POSTGRES_PASSWORD=$(openssl rand -hex 24)
GATEWAY_IMAGE=swiftor/gateway:$version
END
compose() { ${COMPOSE:-docker compose} --project-name "$project" "$@"; }
compose up --detach
compose exec -T gateway swiftor token --user me --plan hacker |
  compose exec -T gateway node /opt/swiftor/deploy/try/first-vm.js "http://127.0.0.1:${PORT:-4000}" "$@"
