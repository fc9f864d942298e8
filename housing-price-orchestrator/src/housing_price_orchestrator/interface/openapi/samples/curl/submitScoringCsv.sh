# houses.csv: a header, then one house per line. The answer names the job.
curl --fail-with-body --silent --show-error --request POST \
  "${HOUSING_PRICE_API_URL:-http://127.0.0.1:8000}/api/v1/jobs/scoring/csv" \
  --header "Authorization: Bearer $HOUSING_PRICE_API_KEY" \
  --header "Content-Type: text/csv" \
  --upload-file houses.csv
