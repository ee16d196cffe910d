#!/usr/bin/env bash
# Scrapes a real run with Prometheus: checks the names, the rules, and that every panel of the dashboard has data.
# Needs prometheus and promtool (Debian: apt-get install prometheus), curl, and a built checkout.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
home="$(cd "$here/../.." && pwd)"
work="$(mktemp -d)"
port=19090
metrics=19400
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

for tool in prometheus promtool curl; do
    command -v "$tool" >/dev/null || { echo "no $tool: apt-get install prometheus curl" >&2; exit 2; }
done
promtool check rules "$here/alerts.yml" >/dev/null

# The shipped evaluation prompts, again and again, until Prometheus has seen enough.
for i in $(seq 30); do sed "s/\"id\": \"/&$i-/" "$home/models/tiny-r1/eval.jsonl"; done > "$work/prompts.jsonl"
"$home/millrace" generate --input "$work/prompts.jsonl" --output "$work/out.jsonl" --model "$home/models/tiny-r1" \
    --metrics-port $metrics --draft-tokens 1 --max-tokens 200 > "$work/run.log" 2>&1 &
run=$!

sed -e "s/localhost:9400/localhost:$metrics/" -e "s/: 5s/: 1s/" "$here/prometheus.yml" > "$work/prometheus.yml"
cp "$here/alerts.yml" "$work/"
promtool check config "$work/prometheus.yml" >/dev/null
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --web.listen-address=127.0.0.1:$port > "$work/prometheus.log" 2>&1 &

for _ in $(seq 60); do
    curl -sf "localhost:$metrics/metrics" 2>/dev/null | grep -q '^millrace_request_success_total{finished_reason="stop"} [1-9]' && break
    kill -0 $run 2>/dev/null || { cat "$work/run.log" >&2; exit 1; }
    sleep 1
done
sleep 10
curl -sf "localhost:$metrics/metrics" | promtool check metrics

failures=0
panels=0
while IFS= read -r query; do
    panels=$((panels + 1))
    query="${query//\$__rate_interval/8s}"
    answer="$(promtool query instant "http://localhost:$port" "$query")"
    if [ -z "$answer" ] || [[ "$answer" == *NaN* ]]; then
        echo "no data: $query -> $answer" >&2
        failures=$((failures + 1))
    fi
done < <(sed -n 's/^ *"expr": "\(.*\)",$/\1/p' "$here/grafana/dashboards/millrace.json")
kill $run 2>/dev/null || true
echo "$panels queries of the dashboard, $failures without data"
[ "$panels" -gt 0 ] && [ "$failures" -eq 0 ]
