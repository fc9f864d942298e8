"""Prices a CSV file in the background."""

import time
from pathlib import Path
from uuid import uuid4

from housing_price_client import Client
from housing_price_client.api.jobs import get_job, get_job_result, submit_scoring_csv
from housing_price_client.models import JobDocument
from housing_price_client.types import File

client = Client(base_url="http://127.0.0.1:8000")
with Path("examples/houses.csv").open("rb") as file:
    job = submit_scoring_csv.sync(client=client, body=File(file), idempotency_key=str(uuid4()))
while isinstance(job, JobDocument) and job.state in {"queued", "running"}:
    time.sleep(0.5)
    job = get_job.sync(client=client, id=job.id)
assert isinstance(job, JobDocument), job
assert job.state == "succeeded", job.error
result = get_job_result.sync(client=client, id=job.id)
assert isinstance(result, File), result
print(result.payload.read().decode())
