curl --fail-with-body --silent --show-error \
  "${HOUSING_PRICE_API_URL:-http://127.0.0.1:8000}/api/v1/valuation/estimate" \
  --header "Authorization: Bearer $HOUSING_PRICE_API_KEY" \
  --header "Content-Type: application/json" \
  --data '{"neighborhood": "NAmes", "overallQual": 5, "yearBuilt": 1961, "grLivArea": 896, "garageCars": 1}'
