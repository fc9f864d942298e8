import json
import os
from pathlib import Path

import httpx

api = httpx.Client(base_url=os.environ.get("HOUSING_PRICE_API_URL", "http://127.0.0.1:8000"), timeout=60)
api.headers["Authorization"] = f"Bearer {os.environ['HOUSING_PRICE_API_KEY']}"
lines = {"Content-Type": "application/x-ndjson"}
with (
    Path("houses.ndjson").open("rb") as houses,
    api.stream("POST", "/api/v1/price/predict/stream", content=houses, headers=lines) as answer,
):
    if answer.is_error:
        raise SystemExit(answer.read().decode())
    for line in answer.iter_lines():
        result = json.loads(line)
        print(result["id"], result.get("predictedPrice", result.get("error")))
