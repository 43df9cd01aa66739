#!/bin/sh
# Writes .env beside docker-compose.yml, once: the password of Grafana's administrator. Nothing
# else of it needs one that people know; the programs' keys are made at the first start.
set -eu
file="$(dirname "$0")/../.env"
if [ -e "$file" ]; then
    echo "make-env: .env is there already; it is left as it is" >&2
    exit 0
fi
umask 077
password="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
printf 'GRAFANA_ADMIN_PASSWORD=%s\n' "$password" > "$file"
echo "make-env: .env is made; in it is the password of Grafana's user admin"
