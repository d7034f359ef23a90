#!/usr/bin/env bash
# Counts what the built-in rules ask about ordinary work: by rule, and for each account and day. Writes
# what it saw below benches/runs/.
#
#   run.sh [--quick] [--out DIR] [--work DIR] [--real DIR]...
#
#   --quick      a small corpus, to see that it works; written to target/noise-quick
#   --out DIR    write there instead of benches/runs/<date>-<machine>-noise
#   --work DIR   keep the corpus there and take it from there (default: a temporary folder)
#   --real DIR   a real trail, counted too and not judged; may be repeated
#
# Ordinary work is 100,000 records of 40 accounts on 3 days, without a planted incident. It is counted
# twice: with all accounts that are seen in it named as one's own, and with none named.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
is_quick=0 out='' work='' reals=()
while [ $# -gt 0 ]; do
    case $1 in
        --quick) is_quick=1 ;;
        --out | --work | --real)
            [ $# -gt 1 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
            if [ "$1" = --real ]; then reals+=("$(realpath "$2")"); else declare "${1#--}=$(realpath -m "$2")"; fi
            shift ;;
        -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) echo "run.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done
if [ $is_quick = 1 ]; then size=13MB files=12; else size=131MB files=120; fi

. "$here/../measure.sh"
has python3 || { echo 'run.sh: missing: python3' >&2; exit 2; }
places noise -noise
leave() { [ $is_own_work = 0 ] || rm -rf "$work"; }
trap leave EXIT
trap 'exit 130' INT TERM
build askance askance-gen
note_machine
cd "$work"
corpus ordinary --files "$files" --bytes "$size"

# alerts NAME PATH OPTION...: alerts of a folder, to NAME.jsonl.
alerts() {
    local name=$1 path=$2 code=0
    shift 2
    bin/askance scan "$path" --quiet --format jsonl --no-event "$@" >"$name.jsonl" 2>"$name.err" || code=$?
    [ $code = 0 ] || [ $code = 3 ] || { cat "$name.err" >&2; exit 1; }
}
# counted NAME: the table of a run to $out, and how many an account has on its worst day to $most.
counted() {
    python3 "$here/table.py" <"$1.jsonl" >"$out/$1.md"
    most=$(sed -n 's/^Most on one day of an account: \([0-9]*\).*/\1/p' "$out/$1.md")
}

# An organisation names its accounts; so does who reads of it. Calls of others are none of its own.
find ordinary -name '*.gz' -print0 | xargs -0 gzip -dc |
    grep -oE '"(recipientAccountId|accountId)":"[0-9]{12}"' | grep -oE '[0-9]{12}' | sort -u >own.txt
sed 's/.*/"&": {}/' own.txt >own.yaml
alerts known ordinary --own-accounts own.yaml
alerts unknown ordinary
events=$(reported ordinary events)
counted known
row most_a_day "ordinary work, own accounts named: alerts of medium and above, the most on one day of one account" \
    "$(wc -l <known.jsonl) alerts in all of $events records" "$most"
counted unknown
row most_a_day_unknown "the same with no account named" "$(wc -l <unknown.jsonl) alerts in all of $events records" "$most"
number=0
for real in "${reals[@]}"; do
    number=$((number + 1))
    alerts "real-$number" "$real"
    counted "real-$number"
done
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)" >>"$out/machine.txt"
{
    echo "# Noise, $(date -u +%F), $(machine)"
    echo
    echo "Commit $commit, \`benches/noise/run.sh$([ $is_quick = 0 ] || echo ' --quick')\`: $(wc -l <own.txt) accounts are seen in the"
    echo "records. Below medium nobody is asked by the usual routes; what is there is counted all the same."
    judged
    for table in known unknown $(seq -f 'real-%g' 1 $number); do
        case $table in
            known) title='Ordinary work, own accounts named' ;;
            unknown) title='Ordinary work, no account named' ;;
            *) title="A real trail ($table)" ;;
        esac
        printf '\n## %s\n\n' "$title"
        cat "$out/$table.md"
        rm "$out/$table.md"
    done
} >"$out/summary.md"
conclude
