import json
import os
from pathlib import Path

import httpx

api = httpx.Client(base_url=os.environ.get("HOUSING_PRICE_API_URL", "http://127.0.0.1:8000"), timeout=60)
api.headers["Authorization"] = f"Bearer {os.environ['HOUSING_PRICE_API_KEY']}"
house = json.loads(Path("house.json").read_text(encoding="utf-8"))
answer = api.post("/api/v1/price/predict", json=house)
if answer.is_error:
    raise SystemExit(answer.text)
priced = answer.json()
print(priced["predictedPrice"], priced["priceInterval"])
