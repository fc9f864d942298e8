"""Handles each kind of answer: a price, findings about the request, and any other problem."""

import json
from pathlib import Path

from housing_price_client import Client
from housing_price_client.api.price import predict
from housing_price_client.models import House, InvalidRequest, PricedHouse, Problem

house = json.loads(Path("examples/request-1461.json").read_text())
client = Client(base_url="http://127.0.0.1:8000", raise_on_unexpected_status=True)
match predict.sync(client=client, body=House.from_dict({**house, "lotArea": -1})):
    case PricedHouse(predicted_price=price):
        print(price)
    case InvalidRequest(detail=findings):
        for finding in findings:
            print(finding.loc, finding.msg)
    case Problem(status=status, title=title, detail=detail):
        print(status, title, detail)
