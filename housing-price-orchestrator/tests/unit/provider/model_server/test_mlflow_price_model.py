import asyncio

import pytest

from factories import house, houses
from housing_price_orchestrator.observability.record import CallRecord, current_call
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.provider.model_server.mlflow_price_model import MLflowPriceModel
from housing_price_orchestrator.shared.errors import ModelServerFailed
from servers import StubModelServer, says

pytestmark = pytest.mark.anyio

SECONDS = 10.0


def model_of(client: object, *, ids: list[str]) -> MLflowPriceModel:
    return MLflowPriceModel(client, model_name="prices", new_call_id=iter(ids).__next__)  # type: ignore[arg-type]  # any client


async def test_the_call_record_has_the_address_attempts_and_call_id(stub: StubModelServer) -> None:
    record = CallRecord()
    url = stub.url.replace("//", "//user:password@")
    async with client_for(url, timeout_seconds=SECONDS, connect_timeout_seconds=SECONDS, connections=4) as client:
        model = model_of(client, ids=["first", "second"])

        async def calling() -> None:
            current_call.set(record)
            await model.answer(houses(2))
            stub.behaviour = says(500)
            with pytest.raises(ModelServerFailed):
                await model.answer([house()])

        await asyncio.create_task(calling())
    assert [call.headers["x-request-id"] for call in stub.calls] == ["first", "second"]
    assert (record.id, record.attempts) == ("second", 2)
    # Sent as basic authentication, and omitted from the recorded address.
    assert stub.calls[0].headers["authorization"] == "Basic dXNlcjpwYXNzd29yZA=="
    assert record.address == stub.url


async def test_pricing_works_without_a_call_record(stub: StubModelServer) -> None:
    async with client_for(stub.url, timeout_seconds=SECONDS, connect_timeout_seconds=SECONDS, connections=4) as client:
        assert len(await model_of(client, ids=["one"]).answer([house()])) == 1
