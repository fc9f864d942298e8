import os

import httpx

api = httpx.Client(base_url=os.environ.get("HOUSING_PRICE_API_URL", "http://127.0.0.1:8000"), timeout=60)
api.headers["Authorization"] = f"Bearer {os.environ['HOUSING_PRICE_API_KEY']}"
facts = {"neighborhood": "NAmes", "overallQual": 5, "yearBuilt": 1961, "grLivArea": 896, "garageCars": 1}
answer = api.post("/api/v1/valuation/estimate", json=facts)
if answer.is_error:
    raise SystemExit(answer.text)
estimate = answer.json()["estimate"]
print(estimate["amount"], estimate["interval"])
