#!/usr/bin/env bash
# What trimming the release profile costs: the same scans and queries by two builds of trailhound, in turns.
#
#   cargo build --release
#   cargo build --release --target-dir target/full --config 'profile.release.package."*".opt-level=3' \
#       --config 'profile.release.package.sqlparser.opt-level=3'
#   benches/queries.sh target/release/trailhound target/full/release/trailhound [FOLDER OF LOGS]
#
# Prints, for each job, the best of seven runs of user + system time (seconds) of both and their ratio.
set -euo pipefail

trimmed="$1" full="$2" logs="${3:-}"
if [[ -z "$logs" ]]; then
    folder="$(mktemp -d)"
    trap 'rm -rf "$folder"' EXIT
    "$trimmed" sample --events "${EVENTS:-300000}" --days 120 --out "$folder/sample" --quiet >/dev/null
    logs="$folder/sample/AWSLogs"
fi

jobs=(
    "SELECT count(*) FROM events"
    "SELECT eventsource, eventname, count(*) AS n FROM events GROUP BY 1, 2 ORDER BY n DESC"
    "SELECT principal, count(DISTINCT sourceipaddress), max(eventtime) FROM events GROUP BY 1 ORDER BY 2 DESC"
    "SELECT count(*) FROM cloudtrail_logs WHERE requestparameters LIKE '%bucketName%' AND eventtime >= '2026-08-01T00:00:00Z'"
    "SELECT useridentity.sessioncontext.attributes.mfaauthenticated, count(*) FROM events GROUP BY 1"
)

# User + system seconds of one run.
cpu() {
    local times
    times="$( { TIMEFORMAT='%U %S'; time "$@" >/dev/null 2>/dev/null; } 2>&1 )"
    awk '{ print $1 + $2 }' <<<"$times"
}

printf '%-8s %-8s %-6s %s\n' trimmed full ratio job
for sql in "${jobs[@]}"; do
    best_trimmed=999 best_full=999
    for _ in 1 2 3 4 5 6 7; do
        a="$(cpu "$trimmed" query "$sql" "$logs")"
        b="$(cpu "$full" query "$sql" "$logs")"
        best_trimmed="$(awk -v a="$a" -v b="$best_trimmed" 'BEGIN { print (a < b) ? a : b }')"
        best_full="$(awk -v a="$b" -v b="$best_full" 'BEGIN { print (a < b) ? a : b }')"
    done
    awk -v a="$best_trimmed" -v b="$best_full" -v job="$sql" 'BEGIN { printf "%-8.2f %-8.2f %-6.2f %s\n", a, b, a / b, job }'
done
