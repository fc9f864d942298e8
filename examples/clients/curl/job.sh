# Prices a CSV file in the background.
set -euo pipefail
jobs=http://127.0.0.1:8000/api/v1/jobs
send() { curl --silent --show-error --fail-with-body --retry 5 "$@"; }
field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }
id=$(send "$jobs/scoring/csv" --header 'Content-Type: text/csv' --data-binary @examples/houses.csv | field id)
state=queued
while [[ $state =~ queued|running ]]; do sleep 0.5; state=$(send "$jobs/$id" | field state); done
send "$jobs/$id/result"
