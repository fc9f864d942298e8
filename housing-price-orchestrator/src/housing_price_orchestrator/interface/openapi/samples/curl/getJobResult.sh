# JOB_ID: the `id` of a job that has succeeded
curl --fail-with-body --silent --show-error \
  "${HOUSING_PRICE_API_URL:-http://127.0.0.1:8000}/api/v1/jobs/$JOB_ID/result" \
  --header "Authorization: Bearer $HOUSING_PRICE_API_KEY" \
  --output prices.csv
