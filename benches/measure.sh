# What the scripts that measure share; they source it. shellcheck shell=bash
#
# They set: root (the project), here (their folder, with asked.tsv), is_quick, and after that out and
# work by `places`. Rows of the summary go to $rows, tables that could not be made to $failed.

has() { command -v "$1" >/dev/null; }

# The machine without its name: 2-core-epyc, 8-core-xeon-platinum-8375c.
machine() {
    local model
    model=$(lscpu | sed -n 's/^Model name: *//p' | sed -n 1p | tr '[:upper:]' '[:lower:]')
    model=$(sed -E 's/\((r|tm)\)//g; s/@.*//; s/\b(amd|intel|cpu|processor|[0-9]+-core)\b//g' <<<"$model")
    model=$(tr -cs 'a-z0-9' - <<<"$model" | sed 's/^-*//; s/-*$//')
    echo "$(nproc --all)-core-${model:-$(uname -m)}"
}

# places NAME [SUFFIX]: where results go ($out, made here) and where corpora are ($work). NAME names
# the folder of a quick run, SUFFIX ends the name of a dated one.
places() {
    if [ -z "$out" ] && [ "$is_quick" = 1 ]; then
        out=$root/target/$1-quick
        rm -rf "$out"
    elif [ -z "$out" ]; then
        # A second run on a day does not replace the first.
        local first number
        first=$root/benches/runs/$(date -u +%F)-$(machine)${2:-}
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
    is_own_work=0
    if [ -z "$work" ]; then
        work=$(mktemp -d)
        is_own_work=1
    fi
    mkdir -p "$work/bin"
    rows=$work/rows.tsv
    failed=$work/failed.txt
    : >"$rows" >"$failed"
}

# build PROGRAM...: builds everything and puts these into $work/bin.
build() {
    local target=${CARGO_TARGET_DIR:-$root/target} program
    (cd "$root" && cargo build --release --locked -p askance -p askance-benches --bins)
    for program in "$@"; do
        cp "$target/release/$program" "$work/bin/"
    done
    commit=$(git -C "$root" describe --always --abbrev=12 --dirty 2>/dev/null || echo unknown)
}

# note_machine TOOL...: what it runs on, and the versions of other tools.
note_machine() {
    {
        echo "date: $(date -u +%FT%TZ)"
        echo "commit: $commit"
        echo "rustc: $(cd "$root" && rustc --version)"
        echo "kernel: $(uname -srm)"
        lscpu | grep -E '^(Model name|CPU\(s\)|Thread|Core|CPU max MHz|BogoMIPS|Hypervisor|L1d|L2|L3)' | sed 's/: */: /'
        sed -n 's/^MemTotal: */memory: /p' /proc/meminfo
        echo "load before: $(cut -d' ' -f1-3 /proc/loadavg)"
        local tool
        for tool in "$@"; do
            if has "$tool"; then echo "$tool: $("$tool" --version 2>&1 | sed -n 1p)"; else echo "$tool: missing"; fi
        done
    } >"$out/machine.txt"
}

# corpus NAME OPTION...: makes a corpus unless it is there; its report is in NAME.json.
corpus() {
    local name=$1
    shift
    # A kept folder may hold a corpus of another size or seed.
    [ -e "$name.args" ] && [ "$(cat "$name.args")" = "$*" ] && return
    rm -rf "$name" "$name.args"
    bin/askance-gen corpus --out "$name" --jobs "$(nproc)" "$@" >"$name.json"
    echo "$*" >"$name.args"
}

# reported NAME KEY: a number of a corpus's report.
reported() { sed -n "s/^ *\"$2\": \([0-9.]*\).*/\1/p" "$1.json"; }

calculate() { awk "BEGIN { printf \"%.4g\", ($1) }"; }

# row ID WHAT MEASURED FIGURE: a line of the summary; a table without a figure has failed.
row() {
    [[ $4 =~ ^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$ ]] || { echo "no figure for $1: \"$4\""; exit 1; }
    printf '%s\t%s\t%s\t%s\n' "$@" >>"$rows"
}

# judged: the rows beside what is asked in asked.tsv, and what was not made.
judged() {
    [ "$is_quick" = 0 ] || printf '\nA short run, to see that it works: nothing here is a claim.\n'
    echo
    echo '| what | asked | ratio or figure | measured | met |'
    echo '|---|---|---|---|---|'
    awk -F'\t' -v quick="$is_quick" '
        FNR == NR { if ($0 !~ /^#/) { sign[$1] = $2; bound[$1] = $3 } next }
        {
            asked = "not fixed"; met = "-"
            if ($1 in bound && bound[$1] != "-") {
                asked = sign[$1] " " bound[$1]
                is_met = sign[$1] == "<=" ? $4 + 0 <= bound[$1] + 0 : $4 + 0 >= bound[$1] + 0
                met = quick ? "not judged" : is_met ? "yes" : "**no**"
            }
            printf "| %s | %s | %s | %s | %s |\n", $2, asked, $4, $3, met
        }' "$here/asked.tsv" "$rows"
    if [ -s "$failed" ]; then
        printf '\nNot made:\n'
        cat "$failed"
    fi
}

# conclude: shows the summary; false if a table was not made.
conclude() {
    printf '\n'
    cat "$out/summary.md"
    echo "written to ${out#"$root"/}"
    [ ! -s "$failed" ]
}
