#!/bin/sh
# Makes the keys of the programs beside otel-vector, each in a file that only this program is
# given: FOLDER/NAME/key. What is there already and in force is left, so every start may run it.
set -eu
folder="${1:-/keys}"

key() {
    name="$1"
    shift
    otel-vector keys create "$name" "$@" --file "$folder/$name/key" --for-group
}

key collector --role ingest
key jaeger --role ingest --role read
key grafana --role read
key prometheus --role read --tenant '*' # /metrics counts all tenants together
