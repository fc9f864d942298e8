# Prices one house; retries as the API asks for (`Retry-After`), and prints the problem if there is no price.
curl --silent --show-error --fail-with-body --retry 5 http://127.0.0.1:8000/api/v1/price/predict \
  --header 'Content-Type: application/json' --data @examples/request-1461.json
