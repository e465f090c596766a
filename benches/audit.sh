#!/bin/sh
# CPU seconds of audit-tail beside its peers, on the same file in the same run, as one table.
#
# Usage: benches/audit.sh [FILE.jsonl]
#   FILE          flat JSON lines with timestamp, event, user, ip; without one, benches/audit_log
#                 makes 200 MB of them
#   OPENCLAW_SEC  the binary (target/release/openclaw-sec)
#   ADDRESS       the address to look for (198.18.0.10)
#   RUNS          the best of so many counts (3)
#
# Peers that are not installed are left out: jq (Debian), jaq, hl, ag (crates). Seconds are user and
# system time per GB; ours and a peer's runs take turns, so that a busy machine slows both alike.
# "wanted" is the ratio that the design asks for; ends with 1 when one is missed.
set -eu
here=$(dirname "$0")
ours=${OPENCLAW_SEC:-$here/../target/release/openclaw-sec}
address=${ADDRESS:-198.18.0.10}
runs=${RUNS:-3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ $# -gt 0 ]; then
    file=$1
else
    file=$folder/audit.jsonl
    "$here/audit_log" 200 >"$file"
fi
bytes=$(wc -c <"$file")
missed=0

# The CPU seconds of one run.
cost() {
    /usr/bin/time -o "$folder/time" -f '%U %S' "$@" >/dev/null 2>"$folder/errors" || true
    awk 'NF == 2 { print $1 + $2 }' "$folder/time"
}

least() {
    sort -n "$1" | head -n 1
}

# race JOB WANTED LIMIT PEER PEER-ARGUMENTS…: `mine` holds our arguments. WANTED is a ratio that must be
# reached, LIMIT how many times the peer's seconds ours may take; "-" for none.
race() {
    job=$1 wanted=$2 limit=$3 peer=$4
    shift 4
    command -v "$peer" >/dev/null 2>&1 || return 0
    : >"$folder/peer"
    : >"$folder/ours"
    turn=0
    while [ "$turn" -lt "$runs" ]; do
        turn=$((turn + 1))
        # shellcheck disable=SC2086 # our own words, and a file without blanks
        cost "$ours" audit-tail "$file" $mine >>"$folder/ours"
        cost "$peer" "$@" >>"$folder/peer"
    done
    awk -v job="$job" -v wanted="$wanted" -v limit="$limit" -v name="$(basename "$peer")" -v bytes="$bytes" \
        -v ours="$(least "$folder/ours")" -v peer="$(least "$folder/peer")" 'BEGIN {
            gb = bytes / 1e9
            ratio = ours > 0 ? peer / ours : 0
            # Below the resolution of the clock nothing can be compared.
            if (limit != "-") { good = peer < 0.02 || ours <= limit * peer; aim = "at least " sprintf("%.2f", 1 / limit) }
            else if (wanted != "-") { good = ratio >= wanted; aim = "at least " wanted }
            else { good = 1; aim = "" }
            printf "| %s | %.2f | %s | %.2f | %.2f | %s%s |\n", job, ours / gb, name, peer / gb, \
                ratio, aim, good ? "" : ", missed"
            exit !good
        }' || missed=1
}

printf '| job | audit-tail, s/GB | peer | s/GB | ratio | wanted |\n'
printf '| --- | --- | --- | --- | --- | --- |\n'

batch='--all --no-follow'
job='filter by kind, outcome and address, raw'
mine="$batch --format raw --kind auth --outcome failure --ip $address"
race "$job" 20 - jq -c "select(.event==\"auth.failure\" and .ip==\"$address\")" "$file"
race "$job" - - jaq -c "select(.event==\"auth.failure\" and .ip==\"$address\")" "$file"
race "$job" 3 - hl -P -r -f event=auth.failure -f "ip=$address" "$file"
race "$job" - 7 wc -l "$file"

job='filter by kind and outcome, raw'
mine="$batch --format raw --kind auth --outcome failure"
race "$job" 20 - jq -c 'select(.event=="auth.failure")' "$file"
race "$job" - - jaq -c 'select(.event=="auth.failure")' "$file"

job='pretty print in colour'
mine="$batch --color always"
race "$job" 25 - jq -C . "$file"
race "$job" 4 - hl -P -c "$file"

job='count by kind, address, user and hour'
mine='--stats'
# shellcheck disable=SC2016 # jq's variable, not the shell's
race "$job" 20 - jq -n 'reduce inputs as $e ({}; .[$e.event] += 1 | .["a" + $e.ip] += 1 | .["u" + $e.user] += 1 | .["h" + $e.timestamp[0:13]] += 1)' "$file"
race "$job" - - agrind --file "$file" '* | json | count by event, ip, user'

job='json with detectors, beside json without'
mine="$batch --format json --detect"
race "$job" - 1.3 "$ours" audit-tail "$file" --all --no-follow --format json

exit "$missed"
