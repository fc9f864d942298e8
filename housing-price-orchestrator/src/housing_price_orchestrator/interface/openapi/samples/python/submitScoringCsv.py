import os
import uuid
from pathlib import Path

import httpx

api = httpx.Client(base_url=os.environ.get("HOUSING_PRICE_API_URL", "http://127.0.0.1:8000"), timeout=60)
api.headers["Authorization"] = f"Bearer {os.environ['HOUSING_PRICE_API_KEY']}"
# A repeated request with the same key returns the same job.
headers = {"Content-Type": "text/csv", "Idempotency-Key": str(uuid.uuid4())}
with Path("houses.csv").open("rb") as houses:
    answer = api.post("/api/v1/jobs/scoring/csv", content=houses, headers=headers)
if answer.is_error:
    raise SystemExit(answer.text)
print(answer.json()["id"])
