#!/usr/bin/env bash
# Measures `askance replay` beside a bare downloader and `askance scan`, and a backtest of two sets of
# rules beside one, against an in-memory stand-in for S3; writes what it saw below benches/runs/.
#
#   run.sh [--quick] [--out DIR] [--work DIR]
#
#   --quick      a small corpus, to see that it works; written to target/replay-quick
#   --out DIR    write there instead of benches/runs/<date>-<machine>-replay
#   --work DIR   keep the corpus there and take it from there (default: a temporary folder)
#
# The stand-in has core 0, what is measured core 1. The downloader is askance-download: the same S3
# client, 128 downloads at once, bodies thrown away; it lists the bucket too. Each figure is the
# median of its runs. The machine should do nothing else; its load is noted before and after.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
is_quick=0 out='' work=''
while [ $# -gt 0 ]; do
    case $1 in
        --quick) is_quick=1 ;;
        --out | --work)
            [ $# -gt 1 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
            declare "${1#--}=$(realpath -m "$2")"
            shift ;;
        -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) echo "run.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done

if [ $is_quick = 1 ]; then
    size=20MB files=12 repeat=4 runs=2
else
    size=463MB files=120 repeat=20 runs=5
fi

. "$here/../measure.sh"
for tool in taskset curl python3; do
    has $tool || { echo "run.sh: missing: $tool" >&2; exit 2; }
done
[ "$(nproc)" -gt 1 ] || { echo 'run.sh: needs two cores: one for askance, one for the stand-in' >&2; exit 2; }
places replay -replay
standin=''
leave() {
    [ -z "$standin" ] || kill "$standin" 2>/dev/null || true
    [ $is_own_work = 0 ] || rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM

build askance askance-gen askance-standin askance-download
note_machine

# From here on every path is relative, so that what is written names no folder of this machine.
cd "$work"
export AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing AWS_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE

corpus everyday --files "$files" --bytes "$size" --incidents 100

now() { date +%s.%N; }
median() { printf '%s\n' "$@" | sort -g | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
# timed COMMAND...: wall seconds of a command, whose output goes to last.out and last.err.
timed() {
    local began ended
    began=$(now)
    taskset -c 1 "$@" >last.out 2>last.err || { cat last.err >&2; exit 1; }
    ended=$(now)
    calculate "$ended - $began"
}

: >standin.json
taskset -c 0 bin/askance-standin --corpus everyday --repeat $repeat --rate max --backlog 100000000 >standin.json 2>standin.log &
standin=$!
for _ in $(seq 600); do
    [ -s standin.json ] && break
    kill -0 $standin || { cat standin.log >&2; exit 1; }
    sleep 0.2
done
endpoint=$(field standin.json endpoint)
export AWS_ENDPOINT_URL=$endpoint
wanted=$((files * repeat))
made() { curl -sf "$endpoint/_stats" | python3 -c 'import json, sys; print(json.load(sys.stdin)["feed"]["objects"])'; }
for _ in $(seq 600); do
    [ "$(made)" != "$wanted" ] || break
    sleep 0.2
done
[ "$(made)" = "$wanted" ] || { echo "the stand-in made $(made) of $wanted objects" >&2; exit 1; }
echo 'aws: {s3_path_style: true}' >askance.yaml

downloads=() replays=() scans=() ones=() twos=()
span=(--from 2020-01-01 --to 2030-01-01)
paths=$(for ((i = 0; i < repeat; i++)); do printf 'everyday '; done)
# A kept folder may hold those of another run.
rm -rf replayed changed
cp -r "$root/rules" replayed
find replayed -name '*.cases.yml' -delete
cp -r replayed changed
# Every rule of the changed set is another one, so that nothing is run once for both.
find changed -name '*.yml' -exec sed -i 's/^title: \(.*\)/title: changed \1/' {} +
for ((run = 0; run < runs; run++)); do
    timed bin/askance-download --endpoint "$endpoint" --threads 1 >/dev/null
    bytes=$(field last.out bytes) objects=$(field last.out objects)
    downloads+=("$(field last.out seconds)")
    rm -rf jobs
    replays+=("$(timed bin/askance replay s3://trail "${span[@]}" --config askance.yaml --jobs-dir jobs \
        --threads 1 --quiet --format jsonl --no-event)")
    # shellcheck disable=SC2086 # words
    scans+=("$(timed bin/askance scan $paths --threads 1 --quiet --format jsonl --no-event)")
    # shellcheck disable=SC2086
    ones+=("$(timed bin/askance backtest $paths --threads 1 --quiet --rules replayed --baseline replayed --format json)")
    # shellcheck disable=SC2086
    twos+=("$(timed bin/askance backtest $paths --threads 1 --quiet --rules changed --baseline replayed --format json)")
done
[ "$objects" = "$wanted" ] || { echo "downloaded $objects of $wanted objects" >&2; exit 1; }
download=$(calculate "$bytes / $(median "${downloads[@]}")")
replay=$(calculate "$bytes / $(median "${replays[@]}")")
scan=$(calculate "$bytes / $(median "${scans[@]}")")
one=$(median "${ones[@]}") two=$(median "${twos[@]}")
ratio=$(calculate "$replay / ($download < $scan ? $download : $scan)")
{
    echo "objects: $objects, bytes: $bytes"
    echo "download: ${downloads[*]} s"
    echo "replay: ${replays[*]} s"
    echo "scan: ${scans[*]} s"
    echo "backtest of one set: ${ones[*]} s, of two: ${twos[*]} s"
} | tee "$out/replay.txt"
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)" >>"$out/machine.txt"
row replay_ratio '`askance replay` / the lower of downloader and `askance scan`, packed bytes' \
    "replay $(calculate "$replay / 1e6"), downloader $(calculate "$download / 1e6"), scan $(calculate "$scan / 1e6") MB/s" "$ratio"
row backtest_ratio '`askance backtest` of two sets of which every rule differs / of one set' \
    "$two s, $one s" "$(calculate "$two / $one")"
{
    echo "# Replay, $(date -u +%F), $(machine)"
    echo
    echo "Commit $commit, corpus of $size in $files files, each read $repeat times over, \`benches/replay/run.sh$([ $is_quick = 0 ] || echo ' --quick')\`."
    echo "One core and one thread for each program, the stand-in on another core; medians of $runs runs, wall time with"
    echo "start-up and listing."
    judged
} >"$out/summary.md"
conclude
