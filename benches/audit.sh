#!/bin/sh
# CPU seconds of audit-tail beside its peers, on the same file in the same run, as ratios.
# Usage: benches/audit.sh FILE.jsonl   (flat JSON lines with timestamp, event, user, ip)
set -eu
file=${1:?a JSON Lines file}
ours=${OPENCLAW_SEC:-target/release/openclaw-sec}
address=${ADDRESS:-198.18.0.10}

# Best of three, user and system seconds.
measure() {
    out=$(mktemp)
    best=
    for _ in 1 2 3; do
        /usr/bin/time -o "$out" -f '%U %S' "$@" >/dev/null 2>&1 || true
        best=$(awk -v best="$best" 'NF == 2 { s = $1 + $2; if (best == "" || s < best) best = s } END { print best }' "$out")
    done
    rm -f "$out"
    printf '%s' "$best"
}

row() {
    name=$1 base=$2
    shift 2
    if command -v "$1" >/dev/null 2>&1; then
        took=$(measure "$@")
        awk -v n="$name" -v t="$took" -v b="$base" 'BEGIN { printf "  %-28s %8.2f s  %6.1f x ours\n", n, t, (b > 0 ? t / b : 0) }'
    fi
}

job() {
    printf '%s\n' "$1"
    shift
    base=$(measure "$@")
    printf '  %-28s %8.2f s\n' audit-tail "$base"
}

job 'filter: kind, outcome, address, raw out' "$ours" audit-tail "$file" --all --no-follow --format raw --kind auth --outcome failure --ip "$address"
row jq "$base" jq -c "select(.event==\"auth.failure\" and .ip==\"$address\")" "$file"
row jaq "$base" jaq -c "select(.event==\"auth.failure\" and .ip==\"$address\")" "$file"
row hl "$base" hl -P -r -f event=auth.failure -f "ip=$address" "$file"
row 'wc -l' "$base" wc -l "$file"

job 'pretty print in colour' "$ours" audit-tail "$file" --all --no-follow --color always
row 'jq -C' "$base" jq -C . "$file"
row hl "$base" hl -P -c "$file"

job 'count by kind, address, user, hour' "$ours" audit-tail "$file" --stats
# shellcheck disable=SC2016 # the peers' own expressions, not the shell's
row jq "$base" jq -n 'reduce inputs as $e ({}; .[$e.event] += 1 | .["a" + $e.ip] += 1 | .["u" + $e.user] += 1 | .["h" + $e.timestamp[0:13]] += 1)' "$file"
row agrind "$base" agrind --file "$file" '* | json | count by event, ip, user'

job 'json out, detectors off' "$ours" audit-tail "$file" --all --no-follow --format json
row 'json out, detectors on' "$base" "$ours" audit-tail "$file" --all --no-follow --format json --detect
