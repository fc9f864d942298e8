# JOB_ID: the `id` in the answer to the submission
curl --fail-with-body --silent --show-error \
  --header "Authorization: Bearer $HOUSING_PRICE_API_KEY" \
  "${HOUSING_PRICE_API_URL:-http://127.0.0.1:8000}/api/v1/jobs/$JOB_ID"
