# houses.json: {"data": [house, ...]}
curl --fail-with-body --silent --show-error \
  "${HOUSING_PRICE_API_URL:-http://127.0.0.1:8000}/api/v1/price/predict/batch" \
  --header "Authorization: Bearer $HOUSING_PRICE_API_KEY" \
  --header "Content-Type: application/json" \
  --data @houses.json
