#!/usr/bin/env bash
# Compares askance with other tools and with itself, and writes what it saw below benches/runs/.
#
#   run.sh [--quick] [--out DIR] [--work DIR] [--real DIR] [--only TABLE]...
#
#   --quick      small corpora and few runs, to see that it works; written to target/compare-quick
#   --out DIR    write there instead of benches/runs/<date>-<machine>
#   --work DIR   keep corpora there and take them from there (default: a temporary folder)
#   --real DIR   real trails: how many of their records are looked into
#   --only TABLE only this table: unpack rules rsigma threads memory alert shares
#
# Asked figures are in asked.tsv. A table that fails is told in the summary and does not stop the
# others. The machine should do nothing else; its load is noted before and after.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$here/../measure.sh"
is_quick=0 out='' work='' real='' only=''
while [ $# -gt 0 ]; do
    case $1 in
        --quick) is_quick=1 ;;
        --out | --work | --real | --only)
            [ $# -gt 1 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
            declare "${1#--}=$([ "$1" = --only ] && echo "$only $2" || realpath -m "$2")"
            shift ;;
        -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) echo "run.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done

if [ $is_quick = 1 ]; then
    size=40MB files=12 big=100MB runs=3 long_runs=2 long_seconds=1 thread_repeats=2
else
    size=463MB files=120 big=2GB runs=10 long_runs=5 long_seconds=10 thread_repeats=4
fi

# --- what is needed -------------------------------------------------------------------------------

missing=()

# wants COMMAND PACKAGE: installs a package where apt exists; notes what stays missing.
wants() {
    command -v "$1" >/dev/null && return
    local sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    if command -v apt-get >/dev/null; then
        "${sudo[@]}" apt-get install -qy --no-install-recommends "$2" >/dev/null 2>&1 ||
            { "${sudo[@]}" apt-get update -q && "${sudo[@]}" apt-get install -qy --no-install-recommends "$2"; } >/dev/null 2>&1 ||
            true
    fi
    command -v "$1" >/dev/null || { missing+=("$1"); echo "missing: $1 (install $2)" >&2; }
}

# needs COMMAND...: ends a table that cannot be made.
needs() {
    for command in "$@"; do
        has "$command" || { echo "skipped: needs $command"; exit 77; }
    done
}

wants hyperfine hyperfine
wants igzip isal
wants gzip gzip
wants taskset util-linux
[ -x /usr/bin/time ] || wants time time
has rsigma || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
has rsigma || { missing+=(rsigma); echo "missing: rsigma (cargo install --locked rsigma --version 0.23.0)" >&2; }

cores=$(nproc)
one_core=$((cores > 1 ? 1 : 0))

# --- where things go ------------------------------------------------------------------------------

places compare
mkdir -p "$work/rules"
[ $is_own_work = 0 ] || trap 'rm -rf "$work"' EXIT

# --- building -------------------------------------------------------------------------------------

build askance askance-gen
note_machine hyperfine igzip gzip rsigma

# From here on every path is relative, so that what is written names no folder of this machine.
cd "$work"
[ -z "$real" ] || ln -sfn "$real" real

# --- corpora and rules ----------------------------------------------------------------------------

everyday() { corpus everyday --files "$files" --bytes "$size"; }

generated_rules() {
    [ -d "rules/$1" ] || bin/askance-gen rules --out "rules/$1" --count "$1" >/dev/null
}

# builtin_rules FOLDER COUNT: copies that many built-in rules, in order of their paths, without cases.
builtin_rules() {
    rm -rf "rules/$1"
    mkdir -p "rules/$1"
    find "$root/rules/cloudtrail" -name '*.yml' ! -name '*.cases.yml' | sort | sed -n "1,$2p" |
        while read -r rule; do cp "$rule" "rules/$1/$(basename "$(dirname "$rule")")-$(basename "$rule")"; done
}

# repeat COUNT WORD...
repeat() {
    local count=$1
    shift
    for ((i = 0; i < count; i++)); do printf '%s ' "$@"; done
}

# --- measuring ------------------------------------------------------------------------------------

# measure FILE CORES RUNS NAME COMMAND [NAME COMMAND]...: one hyperfine for all the commands.
measure() {
    local file=$1 cpus=$2 count=$3 arguments=()
    shift 3
    : >"$out/$file.commands.txt"
    while [ $# -gt 0 ]; do
        arguments+=(-n "$1" "$2")
        printf '%s\ttaskset -c %s %s\n' "$1" "$cpus" "$2" >>"$out/$file.commands.txt"
        shift 2
    done
    taskset -c "$cpus" hyperfine -N --style basic --warmup 1 --runs "$count" \
        --export-json "$out/$file.json" --export-markdown "$out/$file.md" --export-csv "$file.csv" \
        "${arguments[@]}"
}

# seconds FILE NAME: the median.
seconds() {
    awk -F, -v name="$2" 'NR > 1 && $1 == name { printf "%.4f\n", $4; found = 1 } END { exit !found }' "$1.csv"
}

# rate NAME SECONDS: text of a corpus, for people.
rate() {
    awk -v b="$(reported "$1" bytes)" -v e="$(reported "$1" events)" -v s="$2" \
        'BEGIN { printf "%.3f s, %.0f MB/s, %.0f events/s", s, b / s / 1e6, e / s }'
}

# counts NAME COMMAND...: runs a scan once and keeps its summary, so that it is seen what was timed.
# Ends the table if nothing was read or something could not be.
counts() {
    local name=$1
    shift
    echo "\$ $*"
    "$@" >"$name.alerts" 2>"$name.summary"
    cat "$name.summary"
    [ "$(records "$name")" -gt 0 ] || { echo "no records were read"; exit 1; }
}

# records NAME, looked_into NAME, hits NAME: of a kept summary; hits are alerts and repeats.
figure() { sed -nE "s/$2/\1/p" "$1.summary" | tr -d , | sed -n 1p; }
records() { figure "$1" '.* ([0-9,]+) records? \(.*' | grep . || echo 0; }
looked_into() { figure "$1" '.*\(([0-9,]+) looked into\).*'; }
hits() {
    local alerts repeats
    alerts=$(figure "$1" '^([0-9,]+) alerts?:.*')
    repeats=$(figure "$1" '.*\(([0-9,]+) repeats? left out.*')
    echo $((${alerts:-0} + ${repeats:-0}))
}

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
    case $code in
        0) ;;
        77) echo "- $name: $(tail -n 1 "$out/$name.txt")" >>"$failed" ;;
        *) echo "- $name: failed with exit code $code, see $name.txt" >>"$failed" ;;
    esac
}

scan='bin/askance scan --quiet --format jsonl'

# --- the tables -----------------------------------------------------------------------------------

table_unpack() {
    needs hyperfine taskset gzip
    everyday
    counts unpack bin/askance scan --threads 1 --format jsonl everyday
    local paths commands scan_seconds
    paths=$(find everyday -type f | sort | tr '\n' ' ')
    commands=(askance "$scan --threads 1 everyday" gzip "gzip -dc $paths")
    ! has igzip || commands+=(igzip "igzip -dc $paths")
    measure unpack $one_core "$runs" "${commands[@]}"
    scan_seconds=$(seconds unpack askance)
    if has igzip; then
        row scan_igzip 'scan with built-in rules / `igzip -dc`' \
            "$(rate everyday "$scan_seconds"); igzip $(seconds unpack igzip) s" \
            "$(calculate "$scan_seconds / $(seconds unpack igzip)")"
    fi
    row scan_gzip 'scan with built-in rules / `gzip -dc`' \
        "$(rate everyday "$scan_seconds"); gzip $(seconds unpack gzip) s" \
        "$(calculate "$scan_seconds / $(seconds unpack gzip)")"
}

table_rules() {
    needs hyperfine taskset
    everyday
    builtin_rules twenty 20
    generated_rules 3000
    mkdir -p empty
    local few="--rules rules/twenty" many="--rules rules/3000" repeats paths
    # As often the same folder as makes the work with few rules long enough.
    measure rules-once $one_core 2 once "$scan --threads 1 $few everyday"
    repeats=$(awk -v want="$long_seconds" -v once="$(seconds rules-once once)" \
        'BEGIN { n = int(want * 1.15 / once) + 1; print n }')
    paths=$(repeat "$repeats" everyday)
    # shellcheck disable=SC2086 # words
    {
        counts rules-few bin/askance scan --threads 1 --format jsonl $few everyday
        counts rules-many bin/askance scan --threads 1 --format jsonl $many everyday
    }
    measure rules $one_core "$long_runs" \
        '20 rules' "$scan --threads 1 $few $paths" \
        '3000 rules' "$scan --threads 1 $many $paths"
    measure rules-start $one_core "$runs" \
        '20 rules on nothing' "$scan --threads 1 $few empty" \
        '3000 rules on nothing' "$scan --threads 1 $many empty"
    local t_few t_many start_few start_many
    t_few=$(seconds rules '20 rules') t_many=$(seconds rules '3000 rules')
    start_few=$(seconds rules-start '20 rules on nothing')
    start_many=$(seconds rules-start '3000 rules on nothing')
    row rules_3000_20 "3,000 generated rules / 20 built-in rules, without start-up" \
        "$t_many s - $start_many s; $t_few s - $start_few s; the corpus $repeats times; looked into: $(looked_into rules-many), $(looked_into rules-few); hits: $(hits rules-many), $(hits rules-few) of $(records rules-few) records" \
        "$(calculate "($t_many - $start_many) / ($t_few - $start_few)")"
}

table_rsigma() {
    needs hyperfine taskset rsigma
    everyday
    corpus lines --files "$files" --bytes "$size" --format jsonl
    find lines -name '*.jsonl' | sort | xargs cat >lines.jsonl
    generated_rules 57
    local peer="rsigma engine eval --quiet --no-stats --output-format ndjson --input-format json -r rules/57 -e @lines.jsonl"
    counts rsigma-lines bin/askance scan --threads 1 --format jsonl --rules rules/57 lines.jsonl
    counts rsigma-packed bin/askance scan --threads 1 --format jsonl --rules rules/57 everyday
    $peer >rsigma.alerts
    local found lines
    found=$(wc -l <rsigma.alerts) lines=$(wc -l <lines.jsonl)
    echo "hits on the lines: rsigma $found, askance $(hits rsigma-lines)"
    echo "records: $lines lines, askance $(records rsigma-lines) of lines and $(records rsigma-packed) packed"
    [ "$lines" = "$(records rsigma-lines)" ] || { echo "not all lines were read"; exit 1; }
    measure rsigma $one_core "$long_runs" \
        'rsigma on lines' "$peer" \
        'askance on lines' "$scan --threads 1 --rules rules/57 lines.jsonl" \
        'askance on gz' "$scan --threads 1 --rules rules/57 everyday"
    local theirs
    theirs=$(seconds rsigma 'rsigma on lines')
    local same="hits: rsigma $found, askance $(hits rsigma-lines)"
    row rsigma_lines 'rsigma on lines / askance on the same lines, 57 rules' \
        "$theirs s; $(rate lines "$(seconds rsigma 'askance on lines')"); $same" \
        "$(calculate "$theirs / $(seconds rsigma 'askance on lines')")"
    row rsigma_packed 'rsigma on lines / askance on gz files, 57 rules' \
        "$theirs s; $(rate everyday "$(seconds rsigma 'askance on gz')")" \
        "$(calculate "$theirs / $(seconds rsigma 'askance on gz')")"
}

table_threads() {
    needs hyperfine taskset igzip
    [ "$cores" -gt 1 ] || { echo 'skipped: needs two cores'; exit 77; }
    everyday
    # Every other file, so that the halves weigh the same; a list holds the corpus several times.
    find everyday -type f | sort >files.txt
    # shellcheck disable=SC2046 # words
    repeat "$thread_repeats" $(cat files.txt) >whole.txt
    for half in 0 1; do
        # shellcheck disable=SC2046 # words
        repeat "$thread_repeats" $(awk -v half=$half 'NR % 2 == half' files.txt) >half-$half.txt
    done
    cat >bin/unpack-lists <<'SCRIPT'
#!/usr/bin/env bash
# One igzip for each list of files, all at once.
pids=()
for list in "$@"; do
    igzip -dc $(<"$list") >/dev/null &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || exit 1; done
SCRIPT
    chmod +x bin/unpack-lists
    local paths
    paths=$(repeat "$thread_repeats" everyday)
    measure threads 0,1 "$runs" \
        'askance 1 thread' "$scan --threads 1 $paths" \
        'askance 2 threads' "$scan --threads 2 $paths" \
        'one igzip' 'bin/unpack-lists whole.txt' \
        'two igzip' 'bin/unpack-lists half-0.txt half-1.txt'
    local ours theirs
    ours=$(calculate "$(seconds threads 'askance 1 thread') / $(seconds threads 'askance 2 threads')")
    theirs=$(calculate "$(seconds threads 'one igzip') / $(seconds threads 'two igzip')")
    row scaling 'speed-up by a second thread / speed-up of two igzip' \
        "askance $ours times, igzip $theirs times" "$(calculate "$ours / $theirs")"
}

# peak ID WHAT COMMAND...: the largest resident size, in MB.
peak() {
    local id=$1 what=$2 megabytes
    shift 2
    /usr/bin/time -v -o "$id.time" "$@" >/dev/null
    { echo "\$ $*"; grep -E 'Maximum resident|Elapsed|Exit' "$id.time"; }
    megabytes=$(awk '/Maximum resident/ { printf "%.1f", $NF * 1024 / 1e6 }' "$id.time")
    row "$id" "peak memory in MB: $what" "$megabytes MB, $(sed -n 's/.*Elapsed.*): //p' "$id.time")" "$megabytes"
}

table_memory() {
    needs /usr/bin/time
    everyday
    # shellcheck disable=SC2086 # words
    {
        peak memory_corpus "$files files of gz, 1 thread" $scan --threads 1 everyday
        peak memory_corpus_all "$files files of gz, $cores threads" $scan --threads "$cores" everyday
    }
    corpus big --files 1 --bytes "$big" --format jsonl
    local plain
    plain=$(find big -name '*.jsonl')
    mkdir -p big-packed
    if has igzip; then igzip -c "$plain" >big-packed/big.jsonl.gz; else gzip -1c "$plain" >big-packed/big.jsonl.gz; fi
    # shellcheck disable=SC2086 # words
    {
        peak memory_big_plain "one file of $big, plain" $scan "$plain"
        peak memory_big_packed "one file of $big, gz" $scan big-packed/big.jsonl.gz
    }
}

table_alert() {
    needs hyperfine taskset
    # The first seed whose small file holds exactly one incident.
    local seed builtin
    for seed in $(seq 1 100); do
        rm -rf incident
        bin/askance-gen corpus --out incident --files 1 --bytes 100KB --incidents 10000 \
            --seed "$seed" --truth incident.jsonl >incident.json
        [ "$(wc -l <incident.jsonl)" != 1 ] || break
    done
    echo "seed $seed: $(cat incident.jsonl)"
    builtin_rules five-hundred 500
    builtin=$(find rules/five-hundred -type f | wc -l)
    generated_rules $((500 - builtin))
    cp "rules/$((500 - builtin))"/*.yml rules/five-hundred/
    counts alert bin/askance scan --format jsonl --rules rules/five-hundred incident
    grep -q "$(sed -E 's/.*"eventID":"([^"]*)".*/\1/' incident.jsonl)" alert.alerts ||
        { echo 'the incident was not told'; exit 1; }
    measure alert $one_core $((runs * 2)) '500 rules and one incident' \
        "$scan --threads 1 --rules rules/five-hundred incident"
    row first_alert 'milliseconds from start to the end of a scan with one alert, 500 rules' \
        "$(find rules/five-hundred -type f | wc -l) rules, $(records alert) records" \
        "$(calculate "$(seconds alert '500 rules and one incident') * 1000")"
}

table_shares() {
    needs hyperfine taskset
    local commands=() share zero now
    for share in 0 1 10 100; do
        corpus "share-$share" --files "$files" --bytes "$size" --candidate-share $share
        counts "share-$share" bin/askance scan --threads 1 --format jsonl "share-$share"
        commands+=("$share %" "$scan --threads 1 share-$share")
    done
    if [ -n "$real" ]; then
        counts real bin/askance scan --threads 1 --format jsonl --allow-unreadable real
        commands+=(real "$scan --threads 1 --allow-unreadable real")
    fi
    measure shares $one_core "$runs" "${commands[@]}"
    zero=$(calculate "$(seconds shares '0 %') / $(reported share-0 bytes)")
    for share in 0 1 10 100; do
        now=$(seconds shares "$share %")
        row "share_$share" "$share % of records have a name that rules look for / none, for each byte" \
            "$(rate "share-$share" "$now"); $(looked_into "share-$share") of $(records "share-$share") looked into, $(hits "share-$share") hits" \
            "$(calculate "$now / $(reported "share-$share" bytes) / $zero")"
    done
    if [ -n "$real" ]; then
        row real_share 'share of records of real trails that are looked into, in percent' \
            "$(looked_into real) of $(records real); $(seconds shares real) s with start-up; $(hits real) hits" \
            "$(calculate "100 * $(looked_into real) / $(records real)")"
    fi
}

for name in unpack rules rsigma threads memory alert shares; do
    table $name
done

# --- the summary ----------------------------------------------------------------------------------

echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)" >>"$out/machine.txt"
{
    echo "# $(date -u +%F), $(machine)"
    echo
    echo "Commit $commit, corpus of $size in $files files, \`benches/compare/run.sh$([ $is_quick = 0 ] || echo ' --quick')\`."
    echo "Times are medians of wall time, one core unless said otherwise; the machine is in \`machine.txt\`,"
    echo "and the commands of each table in \`<table>.commands.txt\`."
    judged
    [ ${#missing[@]} = 0 ] || printf '\nMissing on this machine: %s.\n' "${missing[*]}"
} >"$out/summary.md"
conclude
