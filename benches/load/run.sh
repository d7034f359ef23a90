#!/usr/bin/env bash
# Measures `askance run` under load, on one core, with a stand-in for S3, SQS and SNS on another, and
# writes what it saw below benches/runs/.
#
#   run.sh [--quick] [--out DIR] [--work DIR] [--only TABLE]...
#
#   --quick      a small corpus and short times, to see that it works; written to target/load-quick
#   --out DIR    write there instead of benches/runs/<date>-<machine>-load
#   --work DIR   keep the corpus there and take it from there (default: a temporary folder)
#   --only TABLE only this table: stream latency memory kinesis shards (latency needs the rate that stream measures)
#
#   stream       `askance scan` over a corpus, and `askance run` reading it as fast as it can; start-up
#                is in neither
#   latency      from a message that can be received to its alert at SNS, at half the rate of stream
#   memory       every sink stopped (one hangs and fails, one refuses), objects as fast as they are
#                taken; then SNS answers again and what waited is told
#   kinesis      `askance scan` over a corpus, and `askance run` reading it from 8 shards by GetRecords; the
#                leases are in moto (make tools), beside the stand-in
#   shards       memory while one process reads 200 shards
#
# Asked figures are in asked.tsv. A table that fails is told in the summary and does not stop the
# others. The machine should do nothing else; its load is noted before and after.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$here/../measure.sh"
is_quick=0 out='' work='' only=''
while [ $# -gt 0 ]; do
    case $1 in
        --quick) is_quick=1 ;;
        --out | --work | --only)
            [ $# -gt 1 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
            declare "${1#--}=$([ "$1" = --only ] && echo "$only $2" || realpath -m "$2")"
            shift ;;
        -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) echo "run.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done

if [ $is_quick = 1 ]; then
    size=40MB files=12 runs=2 settle_seconds=1 stream_seconds=3 latency_seconds=4 stop_seconds=10 drain_seconds=60
else
    size=463MB files=120 runs=3 settle_seconds=5 stream_seconds=30 latency_seconds=60 stop_seconds=600 drain_seconds=600
fi
# Every so many objects end with an incident of their own.
incident_every=10

# --- what is needed -------------------------------------------------------------------------------

for tool in taskset curl python3; do
    has $tool || { echo "run.sh: missing: $tool" >&2; exit 2; }
done
cores=$(nproc)
[ "$cores" -gt 1 ] || { echo 'run.sh: needs two cores: one for askance, one for the stand-in' >&2; exit 2; }
their_core=0 our_core=1

# --- where things go ------------------------------------------------------------------------------

places load -load

# What was started and runs still; ended whatever happens.
started=$work/started
leave() {
    end_all
    [ $is_own_work = 0 ] || rm -rf "$work"
}
end_all() {
    local pid
    [ -e "$started" ] || return 0
    while read -r pid; do
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
    done <"$started"
    : >"$started"
}
trap leave EXIT
trap 'exit 130' INT TERM

: >"$started"

# --- building -------------------------------------------------------------------------------------

build askance askance-gen askance-standin
note_machine

# From here on every path is relative, so that what is written names no folder of this machine.
cd "$work"

# --- measuring ------------------------------------------------------------------------------------

everyday() { corpus everyday --files "$files" --bytes "$size" --incidents 100; }

now() { date +%s.%N; }

# waits WHAT SECONDS COMMAND...: until the command succeeds; ends the table otherwise.
waits() {
    local what=$1 limit=$2 began=$SECONDS
    shift 2
    until "$@"; do
        [ $((SECONDS - began)) -lt "$limit" ] || { echo "waited $limit s for $what"; exit 1; }
        sleep 0.2
    done
}

is_told() { [ -s standin.json ]; }
is_ready() { curl -sf -o /dev/null "$metrics_url/readyz"; }

# field FILE KEY...: a value in a JSON file.
field() {
    python3 - "$@" <<'PYTHON'
import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    value = value[key]
print("" if value is None else value)
PYTHON
}

# stand_in OPTION...: starts one with the corpus.
stand_in() {
    : >standin.json
    echo "\$ taskset -c $their_core askance-standin --corpus everyday --repeat 0 $*"
    taskset -c $their_core bin/askance-standin --corpus everyday --repeat 0 "$@" >standin.json 2>standin.log &
    standin=$!
    echo $standin >>"$started"
    waits 'the stand-in' 120 is_told
    endpoint=$(field standin.json endpoint)
}

# stats KEY...: a figure of the stand-in.
stats() {
    curl -sf "$endpoint/_stats" >stats.json
    field stats.json "$@"
}

order() { curl -sf -o /dev/null -X POST -d "$1" "$endpoint/_control"; }

# service SINKS: starts `askance run` on a new store; SINKS are more sinks than SNS, in YAML.
service() {
    rm -f load.db*
    local port source
    source=${source_yaml:-"{type: s3_queue, queue_url: \"$(field standin.json queue_url)\", buckets: [$(field standin.json bucket)]}"}
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    metrics_url=http://127.0.0.1:$port
    cat >askance.yaml <<YAML
sources: {trail: $source}
sinks:
  people: {type: sns, topic_arn: "$(field standin.json topic_arn)"}
$1
store: {type: sqlite, path: load.db}
alerts: {merge_window: 0s}
metrics: {listen: "127.0.0.1:$port"}
limits: {workers: 1}
aws: {s3_path_style: true}
YAML
    sed "s/127\.0\.0\.1:[0-9]*/127.0.0.1:PORT/g" askance.yaml
    echo "\$ taskset -c $our_core askance run --config askance.yaml"
    env -u AWS_PROFILE AWS_ENDPOINT_URL="$endpoint" AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing \
        AWS_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null \
        AWS_SHARED_CREDENTIALS_FILE=/dev/null \
        taskset -c $our_core bin/askance run --config askance.yaml >askance.log 2>&1 &
    askance=$!
    echo $askance >>"$started"
    waits 'askance to be ready (its log is kept)' 60 is_ready
}

# metric NAME [LABELS]: a sample, 0 where there is none.
metric() {
    curl -sf "$metrics_url/metrics" | awk -v name="$1${2:-}" '$1 == name { print $2; found = 1 } END { if (!found) print 0 }'
}

# ticks PID: processor time in hundredths of a second.
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

is_alive() { kill -0 "$askance" 2>/dev/null || { echo 'askance has ended'; tail -n 20 askance.log; exit 1; }; }

# table NAME: runs table_NAME, keeps its output, and goes on whatever happens.
table() {
    local name=$1 code
    [ -z "$only" ] || [[ " $only " = *" $name "* ]] || return 0
    printf '\n== %s\n' "$name"
    set +e
    (
        set -e
        "table_$name"
    ) 2>&1 | tee "$out/$name.txt"
    code=${PIPESTATUS[0]}
    set -e
    end_all
    [ ! -s askance.log ] || tail -n 200 askance.log >"$out/$name.log"
    rm -f askance.log
    [ "$code" = 0 ] || echo "- $name: $(tail -n 1 "$out/$name.txt") (exit code $code, see $name.txt)" >>"$failed"
}

# --- the tables -----------------------------------------------------------------------------------

# scan_seconds PATH...: wall time of a scan.
scan_seconds() {
    local began ended
    began=$(now)
    taskset -c $our_core bin/askance scan --threads 1 --quiet --format jsonl "$@" >/dev/null
    ended=$(now)
    calculate "$ended - $began"
}

table_stream() {
    everyday
    mkdir -p empty
    local bytes once repeats paths times=() start median scan_rate
    bytes=$(reported everyday bytes)
    scan_seconds everyday >/dev/null
    once=$(scan_seconds everyday)
    repeats=$(awk -v want="$stream_seconds" -v once="$once" 'BEGIN { print int(want / once) + 1 }')
    paths=$(for ((i = 0; i < repeats; i++)); do printf 'everyday '; done)
    start=$(scan_seconds empty)
    echo "\$ taskset -c $our_core askance scan --threads 1 --quiet --format jsonl everyday ($repeats times the corpus)"
    for ((i = 0; i < runs; i++)); do
        # shellcheck disable=SC2086 # words
        times+=("$(scan_seconds $paths)")
    done
    median=$(printf '%s\n' "${times[@]}" | sort -g | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }')
    scan_rate=$(calculate "$repeats * $bytes / ($median - $start)")
    echo "scan: ${times[*]} s, on nothing $start s: $(calculate "$scan_rate / 1e6") MB/s of text"

    stand_in --rate max --backlog 500
    service ''
    is_warm() { [ "$(metric askance_stage_bytes_total '{stage="parse"}' | cut -d. -f1)" -gt 0 ]; }
    waits 'the first object' 60 is_warm
    sleep $settle_seconds
    local t1 t2 b1 b2 d1 d2 o1 o2 s1 s2 seconds rate objects
    t1=$(now) b1=$(metric askance_stage_bytes_total '{stage="parse"}') d1=$(stats queues trail deleted)
    o1=$(ticks "$askance") s1=$(ticks $standin)
    sleep $stream_seconds
    is_alive
    t2=$(now) b2=$(metric askance_stage_bytes_total '{stage="parse"}') d2=$(stats queues trail deleted)
    o2=$(ticks "$askance") s2=$(ticks $standin)
    seconds=$(calculate "$t2 - $t1")
    rate=$(calculate "($b2 - $b1) / $seconds")
    objects=$(calculate "($d2 - $d1) / $seconds")
    echo "run: $(calculate "$b2 - $b1") bytes of text and $((d2 - d1)) messages deleted in $seconds s: $(calculate "$rate / 1e6") MB/s"
    echo "deleted messages, each of a mean file: $(calculate "$objects * $bytes / $files / 1e6") MB/s"
    echo "processor: askance $(calculate "($o2 - $o1) / $seconds") %, stand-in $(calculate "($s2 - $s1) / $seconds") %"
    echo "bytes in memory: $(metric askance_queue_bytes) of $(metric askance_queue_capacity_bytes)"
    echo "$objects" >objects-a-second
    row stream_ratio '`askance run` from the queue / `askance scan`, in bytes of text a second' \
        "$(calculate "$rate / 1e6") MB/s, $objects objects/s; scan $(calculate "$scan_rate / 1e6") MB/s; processor $(calculate "($o2 - $o1) / $seconds") %, stand-in $(calculate "($s2 - $s1) / $seconds") %" \
        "$(calculate "$rate / $scan_rate")"
}

table_latency() {
    everyday
    [ -s objects-a-second ] || { echo 'no rate: the table stream was not made'; exit 1; }
    local rate
    rate=$(calculate "$(cat objects-a-second) / 2")
    stand_in --rate 0 --incident-every $incident_every
    service ''
    order "{\"rate\": \"$rate\"}"
    sleep $settle_seconds
    order '{"forget_times": true}'
    sleep $latency_seconds
    is_alive
    order '{"rate": "0"}'
    is_told_all() { [ "$(stats published incidents_waiting)" = 0 ]; }
    waits 'the last alerts' 60 is_told_all
    curl -sf "$endpoint/_stats"
    echo
    stats published messages >/dev/null
    local count p50 p99
    count=$(field stats.json published seconds count)
    p50=$(field stats.json published seconds p50) p99=$(field stats.json published seconds p99)
    local told="$count alerts at $rate objects/s; slowest $(calculate "$(field stats.json published seconds max)") s"
    row latency_p50 'seconds from message to SNS, half of all' "$told" "$(calculate "$p50")"
    row latency_p99 'seconds from message to SNS, 99 of 100' "$told" "$(calculate "$p99")"
}

table_memory() {
    everyday
    stand_in --rate max --backlog 500 --incident-every $incident_every \
        --fault 'Publish@1-/2=hang:20' --fault 'Publish@1-=status:500' \
        --fault 'PublishBatch@1-/2=hang:20' --fault 'PublishBatch@1-=status:500'
    # Nobody listens on port 1.
    service '  page: {type: webhook, url: "http://127.0.0.1:1/"}'
    local began=$SECONDS most=0 samples=0 queued capacity resident peak waiting objects
    while [ $((SECONDS - began)) -lt $stop_seconds ]; do
        is_alive
        queued=$(metric askance_queue_bytes)
        most=$((queued > most ? queued : most))
        if [ $((samples++ % 20)) = 0 ]; then
            resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$askance/status")
            echo "$((SECONDS - began)) s: resident $resident kB, in memory $queued bytes, waiting $(metric askance_outbox_waiting '{sink="people"}'), deleted $(stats queues trail deleted)"
        fi
        sleep 0.25
    done
    capacity=$(metric askance_queue_capacity_bytes)
    peak=$(awk '/^VmHWM/ { print $2 * 1024 / 1e6 }' "/proc/$askance/status")
    waiting=$(metric askance_outbox_waiting '{sink="people"}')
    objects=$(stats queues trail deleted)
    [ "${waiting%.*}" -gt 0 ] || { echo 'nothing waits for the stopped sink: nothing was shown'; exit 1; }
    row memory_peak 'peak memory in MB, every sink stopped' \
        "$stop_seconds s, $objects objects, $waiting alerts waiting for SNS" "$(calculate "$peak")"
    row queue_share 'most bytes of objects in memory / the bound' "$most of $capacity, in $samples samples" \
        "$(awk -v most="$most" -v bound="$capacity" 'BEGIN { printf "%.6f", most / bound }')"

    # The sink is back, and nothing more comes.
    order '{"rate": "0", "faults": []}'
    local incidents told=0
    incidents=$(stats feed incidents)
    began=$SECONDS
    while [ $((SECONDS - began)) -lt $drain_seconds ]; do
        told=$(stats published incidents_told)
        [ "$told" != "$incidents" ] || break
        sleep 1
    done
    curl -sf "$endpoint/_stats"
    echo
    row told_after 'share of the alerts that were told once SNS answered again' \
        "$told of $incidents after $((SECONDS - began)) s, $(stats published incidents_told_again) of them twice" \
        "$(calculate "$told / $incidents")"
}

# kinesis_service SHARDS: a stand-in with so many shards, moto for the leases, and askance reading.
kinesis_service() {
    local lease_port
    lease_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    taskset -c $their_core "$root/target/tools/bin/moto_server" -H 127.0.0.1 -p "$lease_port" >/dev/null 2>&1 &
    echo $! >>"$started"
    has_leases() { curl -s -o /dev/null "http://127.0.0.1:$lease_port/moto-api/"; }
    waits 'moto' 120 has_leases
    stand_in --rate 0 --shards "$1"
    export AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:$lease_port
    source_yaml='{type: kinesis, stream: trail, application: load, initial_position: trim_horizon}'
    service ''
}

table_kinesis() {
    everyday
    mkdir -p empty
    local bytes once repeats paths start scan_rate t1 t2 b1 b2 o1 o2 seconds rate
    bytes=$(reported everyday bytes)
    scan_seconds everyday >/dev/null
    once=$(scan_seconds everyday)
    repeats=$(awk -v want="$stream_seconds" -v once="$once" 'BEGIN { print int(want / once / 2) + 1 }')
    paths=$(for ((i = 0; i < repeats; i++)); do printf 'everyday '; done)
    start=$(scan_seconds empty)
    # shellcheck disable=SC2086 # words
    scan_rate=$(calculate "$repeats * $bytes / ($(scan_seconds $paths) - $start)")
    echo "scan: $(calculate "$scan_rate / 1e6") MB/s of text"
    kinesis_service 8
    is_warm() { [ "$(metric askance_stage_bytes_total '{stage="parse"}' | cut -d. -f1)" -gt 0 ]; }
    waits 'the first records' 120 is_warm
    sleep $settle_seconds
    t1=$(now) b1=$(metric askance_stage_bytes_total '{stage="parse"}') o1=$(ticks "$askance")
    sleep $stream_seconds
    is_alive
    t2=$(now) b2=$(metric askance_stage_bytes_total '{stage="parse"}') o2=$(ticks "$askance")
    seconds=$(calculate "$t2 - $t1")
    rate=$(calculate "($b2 - $b1) / $seconds")
    curl -sf "$endpoint/_stats"
    echo
    row kinesis_ratio '`askance run` from 8 shards by GetRecords / `askance scan`, in bytes of text a second' \
        "$(calculate "$rate / 1e6") MB/s; scan $(calculate "$scan_rate / 1e6") MB/s; processor $(calculate "($o2 - $o1) / $seconds") %" \
        "$(calculate "$rate / $scan_rate")"
}

table_shards() {
    everyday
    kinesis_service 200
    local held=0 began=$SECONDS peak
    has_all() { held=$(metric askance_kinesis_leases '{source="trail",state="held"}'); [ "${held%.*}" -ge 200 ]; }
    waits 'all 200 leases' 300 has_all
    echo "200 leases after $((SECONDS - began)) s"
    sleep $stream_seconds
    is_alive
    curl -sf "$endpoint/_stats"
    echo
    peak=$(awk '/^VmHWM/ { print $2 * 1024 / 1e6 }' "/proc/$askance/status")
    row kinesis_memory 'peak memory in MB, 200 shards read by one process' \
        "$stream_seconds s, bytes of objects in memory $(metric askance_queue_bytes) of $(metric askance_queue_capacity_bytes)" "$(calculate "$peak")"
}

for name in stream latency memory kinesis shards; do
    table $name
done

# --- the summary ----------------------------------------------------------------------------------

echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)" >>"$out/machine.txt"
{
    echo "# Load, $(date -u +%F), $(machine)"
    echo
    echo "Commit $commit, corpus of $size in $files files, \`benches/load/run.sh$([ $is_quick = 0 ] || echo ' --quick')\`."
    echo "askance has one core and one worker, the stand-in another core. The machine is in \`machine.txt\`, the"
    echo "configuration and the commands of each table in \`<table>.txt\`, the end of askance's log in \`<table>.log\`."
    judged
} >"$out/summary.md"
conclude
