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

has() { command -v "$1" >/dev/null; }
for tool in taskset curl python3; do
    has $tool || { echo "run.sh: missing: $tool" >&2; exit 2; }
done
[ "$(nproc)" -gt 1 ] || { echo 'run.sh: needs two cores: one for askance, one for the stand-in' >&2; exit 2; }

# The machine without its name: 2-core-epyc.
machine() {
    local model
    model=$(lscpu | sed -n 's/^Model name: *//p' | sed -n 1p | tr '[:upper:]' '[:lower:]')
    model=$(sed -E 's/\((r|tm)\)//g; s/@.*//; s/\b(amd|intel|cpu|processor|[0-9]+-core)\b//g' <<<"$model")
    model=$(tr -cs 'a-z0-9' - <<<"$model" | sed 's/^-*//; s/-*$//')
    echo "$(nproc --all)-core-${model:-$(uname -m)}"
}

if [ -z "$out" ] && [ $is_quick = 1 ]; then
    out=$root/target/replay-quick
    rm -rf "$out"
elif [ -z "$out" ]; then
    first=$root/benches/runs/$(date -u +%F)-$(machine)-replay
    out=$first
    for ((number = 2; ; number++)); do
        [ -e "$out" ] || break
        out=$first-$number
    done
elif [ -e "$out" ]; then
    echo "run.sh: $out is there already" >&2
    exit 2
fi
mkdir -p "$out"
temporary=''
if [ -z "$work" ]; then
    work=$(mktemp -d)
    temporary=$work
fi
standin=''
leave() {
    [ -z "$standin" ] || kill "$standin" 2>/dev/null || true
    [ -z "$temporary" ] || rm -rf "$temporary"
}
trap leave EXIT
trap 'exit 130' INT TERM

target=${CARGO_TARGET_DIR:-$root/target}
if [ -z "${ASKANCE_BIN_DIR:-}" ]; then
    (cd "$root" && cargo build --release --locked -p askance -p askance-benches --bins)
fi
bins=${ASKANCE_BIN_DIR:-$target/release}
mkdir -p "$work/bin"
cp "$bins/askance" "$bins/askance-gen" "$bins/askance-standin" "$bins/askance-download" "$work/bin/"
commit=$(git -C "$root" describe --always --abbrev=12 --dirty 2>/dev/null || echo unknown)
{
    echo "date: $(date -u +%FT%TZ)"
    echo "commit: $commit"
    echo "kernel: $(uname -srm)"
    lscpu | grep -E '^(Model name|CPU\(s\)|Thread|Core|CPU max MHz|BogoMIPS|Hypervisor|L1d|L2|L3)' | sed 's/: */: /'
    sed -n 's/^MemTotal: */memory: /p' /proc/meminfo
    echo "load before: $(cut -d' ' -f1-3 /proc/loadavg)"
} >"$out/machine.txt"

# From here on every path is relative, so that what is written names no folder of this machine.
cd "$work"
export AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing AWS_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE

if [ "$(cat corpus.args 2>/dev/null)" != "$size $files" ]; then
    rm -rf corpus corpus.args
    bin/askance-gen corpus --out corpus --files "$files" --bytes "$size" --incidents 100 >corpus.json
    echo "$size $files" >corpus.args
fi

calculate() { awk "BEGIN { printf \"%.4g\", ($1) }"; }
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
taskset -c 0 bin/askance-standin --corpus corpus --repeat $repeat --rate max --backlog 100000000 >standin.json 2>standin.log &
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
paths=$(for ((i = 0; i < repeat; i++)); do printf 'corpus '; done)
mkdir -p rules
cp -r "$root/rules/." rules/
find rules -name '*.cases.yml' -delete
cp -r rules changed
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
    ones+=("$(timed bin/askance backtest $paths --threads 1 --quiet --rules rules --baseline rules --format json)")
    # shellcheck disable=SC2086
    twos+=("$(timed bin/askance backtest $paths --threads 1 --quiet --rules changed --baseline rules --format json)")
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
judge() {
    awk -F'\t' -v id="$1" -v figure="$2" -v quick=$is_quick '
        $1 == id { met = $2 == "<=" ? figure + 0 <= $3 + 0 : figure + 0 >= $3 + 0
            printf "%s %s | %s | %s\n", $2, $3, figure, quick ? "not judged" : met ? "yes" : "**no**" }' "$here/asked.tsv"
}
{
    echo "# Replay, $(date -u +%F), $(machine)"
    echo
    echo "Commit $commit, corpus of $size in $files files, each read $repeat times over, \`benches/replay/run.sh$([ $is_quick = 0 ] || echo ' --quick')\`."
    echo "One core and one thread for each program, the stand-in on another core; medians of $runs runs, wall time with"
    echo "start-up and listing. Packed bytes."
    [ $is_quick = 0 ] || printf '\nA short run, to see that it works: nothing here is a claim.\n'
    printf '\n| what | measured | asked | ratio | met |\n|---|---|---|---|---|\n'
    echo "| \`askance replay\` / the lower of downloader and \`askance scan\` | replay $(calculate "$replay / 1e6"), downloader $(calculate "$download / 1e6"), scan $(calculate "$scan / 1e6") MB/s | $(judge replay_ratio "$ratio") |"
    echo "| \`askance backtest\` of two sets of which every rule differs / of one set | $two s, $one s | $(judge backtest_ratio "$(calculate "$two / $one")") |"
} >"$out/summary.md"
printf '\n'
cat "$out/summary.md"
echo "written to ${out#"$root"/}"
