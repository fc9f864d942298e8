"""Prices one house."""

import json
from pathlib import Path

from housing_price_client import Client
from housing_price_client.api.price import predict
from housing_price_client.models import House, PricedHouse

client = Client(base_url="http://127.0.0.1:8000")
house = House.from_dict(json.loads(Path("examples/request-1461.json").read_text()))
answer = predict.sync(client=client, body=house)
assert isinstance(answer, PricedHouse), answer
print(answer.predicted_price, answer.price_interval.low, answer.price_interval.high)
