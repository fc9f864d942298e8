# houses.ndjson: one house per line
curl --fail-with-body --silent --show-error --no-buffer --request POST \
  "${HOUSING_PRICE_API_URL:-http://127.0.0.1:8000}/api/v1/price/predict/stream" \
  --header "Authorization: Bearer $HOUSING_PRICE_API_KEY" \
  --header "Content-Type: application/x-ndjson" \
  --upload-file houses.ndjson
