import os
from pathlib import Path

import httpx

api = httpx.Client(base_url=os.environ.get("HOUSING_PRICE_API_URL", "http://127.0.0.1:8000"), timeout=60)
api.headers["Authorization"] = f"Bearer {os.environ['HOUSING_PRICE_API_KEY']}"
with api.stream("GET", f"/api/v1/jobs/{os.environ['JOB_ID']}/result") as answer:
    if answer.is_error:
        raise SystemExit(answer.read().decode())
    with Path("prices.csv").open("wb") as prices:
        prices.writelines(answer.iter_bytes())
