#!/bin/bash
# Creates the database of POSTGRES_DB for POSTGRES_USER with POSTGRES_PASSWORD once, and serves it on port 5432.
set -eu
data=/var/lib/postgresql/data bin=/opt/postgres/bin
if [ ! -f "$data/PG_VERSION" ]; then
  "$bin/initdb" --pgdata "$data" --username "$POSTGRES_USER" --auth scram-sha-256 --no-sync \
    --encoding UTF8 --locale C --pwfile <(printf '%s' "$POSTGRES_PASSWORD") >/dev/null
  echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
  echo "create database \"$POSTGRES_DB\"" | "$bin/postgres" --single -D "$data" postgres >/dev/null
fi
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
