"""Waits as long as the API asks for (`Retry-After`) when it limits requests or is busy; sends an API key."""

import json
import time
from pathlib import Path

from housing_price_client import AuthenticatedClient
from housing_price_client.api.price import predict
from housing_price_client.models import House, PricedHouse

client = AuthenticatedClient(base_url="http://127.0.0.1:8000", token="YOUR_KEY")
facts = json.loads(Path("examples/request-1461.json").read_text())
for number in (1, 2):
    for _attempt in range(5):
        response = predict.sync_detailed(client=client, body=House.from_dict({**facts, "id": number}))
        if response.status_code not in {429, 503}:
            break
        time.sleep(float(response.headers.get("Retry-After", "1")))
    assert isinstance(response.parsed, PricedHouse), response.parsed
    print(number, response.parsed.predicted_price)
