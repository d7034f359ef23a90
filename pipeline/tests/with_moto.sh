#!/usr/bin/env bash
# Runs a command while a moto server stands in for AWS: one for all tests, for starting it takes
# longer than most of them. Tests find it by ASKANCE_MOTO_URL, and by ASKANCE_MOTO_MAIL_URL one for mail.
set -uo pipefail
[ $# -gt 0 ] || { echo "usage: with_moto.sh COMMAND..." >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$here/../../target/tools/bin/moto_server
[ -x "$program" ] || program=$(command -v moto_server) ||
    { echo "missing: moto_server (run: make tools)" >&2; exit 1; }
servers=()
trap 'kill "${servers[@]}" 2>/dev/null; wait "${servers[@]}" 2>/dev/null' EXIT

# start: a server; its port is in $port.
start() {
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$program" -H 127.0.0.1 -p "$port" >/dev/null 2>&1 &
    servers+=($!)
}

# await PORT SERVER: until it answers.
await() {
    for _ in $(seq 600); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        kill -0 "$2" 2>/dev/null || { echo "moto_server ended at once" >&2; exit 1; }
        sleep 0.1
    done
}

start
export ASKANCE_MOTO_URL=http://127.0.0.1:$port
first=$port
start
export ASKANCE_MOTO_MAIL_URL=http://127.0.0.1:$port
await "$first" "${servers[0]}"
await "$port" "${servers[1]}"
"$@"
