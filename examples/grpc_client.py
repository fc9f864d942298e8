"""Prices the example house over gRPC: `python examples/grpc_client.py ADDRESS`. See docs/grpc.md."""

import sys
from pathlib import Path

import grpc
from google.protobuf import json_format
from housing.price.v1 import price_pb2, price_pb2_grpc

request = json_format.Parse(Path(__file__).with_name("grpc-request-1461.json").read_text(), price_pb2.PredictRequest())
with grpc.insecure_channel(sys.argv[1]) as channel:
    prices = price_pb2_grpc.PriceServiceStub(channel)
    answer = prices.Predict(request, timeout=5)
print(f"{answer.prediction.predicted_price:,.0f} USD, by model {answer.prediction.model.id}")
