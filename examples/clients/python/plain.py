"""Prices one house without a generated client."""

import json
from pathlib import Path

import httpx

house = json.loads(Path("examples/request-1461.json").read_text())
response = httpx.post("http://127.0.0.1:8000/api/v1/price/predict", json=house)
response.raise_for_status()
print(response.json()["predictedPrice"])
