"""Prices several houses in one request; the prices have the order of the houses."""

import json
from pathlib import Path

from housing_price_client import Client
from housing_price_client.api.price import predict_batch
from housing_price_client.models import House, HouseBatch, PricedBatch

client = Client(base_url="http://127.0.0.1:8000")
house = House.from_dict(json.loads(Path("examples/request-1461.json").read_text()))
answer = predict_batch.sync(client=client, body=HouseBatch(data=[house, house]))
assert isinstance(answer, PricedBatch), answer
for priced in answer.predictions:
    print(priced.id, priced.predicted_price)
