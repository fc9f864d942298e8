"""Prices houses while it sends them: the first prices arrive before the last house is sent."""

import json
from collections.abc import Iterator
from pathlib import Path

from housing_price_client import Client

house = json.loads(Path("examples/request-1461.json").read_text())


def lines() -> Iterator[bytes]:
    """Yield a house per line."""
    for number in range(1, 4):
        yield json.dumps({**house, "id": number}).encode() + b"\n"


http = Client(base_url="http://127.0.0.1:8000").get_httpx_client()
headers = {"Content-Type": "application/x-ndjson"}
with http.stream("POST", "/api/v1/price/predict/stream", content=lines(), headers=headers) as response:
    response.raise_for_status()
    for line in response.iter_lines():
        print(line)
