import os
import time

import httpx

api = httpx.Client(base_url=os.environ.get("HOUSING_PRICE_API_URL", "http://127.0.0.1:8000"), timeout=60)
api.headers["Authorization"] = f"Bearer {os.environ['HOUSING_PRICE_API_KEY']}"
while True:
    answer = api.get(f"/api/v1/jobs/{os.environ['JOB_ID']}")
    if answer.is_error:
        raise SystemExit(answer.text)
    job = answer.json()
    if job["finishedAt"] is not None:
        break
    time.sleep(1)
print(job["state"], job["result"])
