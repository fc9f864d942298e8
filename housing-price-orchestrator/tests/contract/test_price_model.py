"""The promises of the port `PriceModel`, kept by everything that passes for one."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import orjson
import pytest

from factories import ABSENT, alias_of, house, houses, survey_houses
from fakes import FakePriceModel
from housing_price_orchestrator.provider.model_server.columns import row_of, write_row
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.provider.model_server.mlflow_price_model import MLflowPriceModel
from housing_price_orchestrator.service.resilience.fallback import FallbackPriceModel
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.service.routing.canary import RoutedPriceModel
from housing_price_orchestrator.service.routing.canary_watch import CanaryWatch
from housing_price_orchestrator.service.routing.price_deviation import CanaryComparison
from housing_price_orchestrator.shared.errors import CircuitOpen, ModelServerError, ModelServerUnavailable
from housing_price_orchestrator.shared.ports import PriceModel
from housing_price_orchestrator.shared.view.house import House
from housing_price_platform.orders.moves import CanaryLimits
from servers import StubModelServer, reserved_port
from wrappers import SECONDS, WRAPPERS

pytestmark = pytest.mark.anyio

NULLABLE = [name for name, field in House.model_fields.items() if not field.is_required()]


@dataclass(frozen=True)
class Subject:
    """A price model, and the same kind of model with nobody behind it."""

    model: PriceModel
    away: PriceModel


KINDS = [
    "fake",
    "fake behind a deadline",
    "fake, coalesced",
    "fake, balanced",
    "fake, one version",
    "fake, retried",
    "fake behind a circuit breaker",
    "fake behind an admission",
    "fake behind a memory",
    "fake, routed",
    "stub server",
    "stub server, as shipped",
    "stub server, routed",
    pytest.param("MLflow server", marks=pytest.mark.full),
    pytest.param("MLflow server, as shipped", marks=pytest.mark.full),
    pytest.param("MLServer", marks=pytest.mark.mlserver),
    pytest.param("MLServer, as shipped", marks=pytest.mark.mlserver),
]


def remembered(model: PriceModel) -> PriceModel:
    return FallbackPriceModel(
        model, PriceMemory(max_houses=1_000, key_of=row_of, write_key=write_row), last_known_seconds=SECONDS
    )


def cached(model: PriceModel) -> PriceModel:
    return FallbackPriceModel(
        model, PriceMemory(max_houses=1_000, key_of=row_of, write_key=write_row), cache_seconds=SECONDS
    )


def routed(model: PriceModel) -> PriceModel:
    """The same model as champion and as canary, so that all of them price a house alike."""
    return RoutedPriceModel(
        model,
        model,
        weight=0.5,
        watch=CanaryWatch(CanaryLimits(), lambda _: None),
        comparison=CanaryComparison(model, lambda *_: None),
    )


PRICE_WRAPPERS: dict[str, Callable[[PriceModel], PriceModel]] = {
    **WRAPPERS,
    "behind a memory": remembered,
    "from a memory": cached,
    "routed": routed,
}


@pytest.fixture(params=KINDS)
async def subject(request: pytest.FixtureRequest, stub: StubModelServer) -> AsyncIterator[Subject]:
    kind, _, wrapped = request.param.partition(", ")
    async with AsyncExitStack() as stack:

        async def asking(url: str) -> PriceModel:
            client = client_for(url, timeout_seconds=SECONDS, connect_timeout_seconds=SECONDS, connections=4)
            return MLflowPriceModel(await stack.enter_async_context(client), model_name="housing-price")

        if kind.startswith("fake"):
            model: PriceModel = FakePriceModel()
            away: PriceModel = FakePriceModel(error=ModelServerUnavailable("away"))
            wrapped = wrapped or kind.removeprefix("fake ")
        else:
            if kind == "stub server":
                url = stub.url
            else:
                url = request.getfixturevalue({"MLflow server": "model_server", "MLServer": "mlserver"}[kind])
            model, away = (
                await asking(url),
                await asking(f"http://127.0.0.1:{stack.enter_context(reserved_port())}"),
            )
        if wrapped not in ("", "fake"):
            model, away = PRICE_WRAPPERS[wrapped](model), PRICE_WRAPPERS[wrapped](away)
        yield Subject(model, away)


async def test_no_house_is_no_estimate(subject: Subject) -> None:
    assert list(await subject.model.answer([])) == []
    # No house, no call: there is nobody to call.
    assert list(await subject.away.answer([])) == []


@pytest.mark.parametrize("count", [1, 2, 7, 250])
async def test_there_is_one_estimate_for_each_house(subject: Subject, count: int) -> None:
    assert len(await subject.model.answer(houses(count))) == count


async def test_estimates_are_finite_positive_and_in_order(subject: Subject) -> None:
    for estimate in await subject.model.answer(houses(20)):
        assert 0 < estimate.low_usd <= estimate.price_usd <= estimate.high_usd < math.inf
        assert all(type(number) is float for number in (estimate.low_usd, estimate.price_usd, estimate.high_usd))


async def test_estimates_keep_the_order_of_the_houses(subject: Subject) -> None:
    some = houses(12)
    forwards, backwards = await subject.model.answer(some), await subject.model.answer(some[::-1])
    assert list(forwards) == list(backwards)[::-1]
    assert len({estimate.price_usd for estimate in forwards}) > 1


async def test_what_a_house_is_worth_does_not_depend_on_the_houses_beside_it(subject: Subject) -> None:
    some = [House.model_validate(document) for document in survey_houses()[::200]]
    together = await subject.model.answer(some)
    alone = [(await subject.model.answer([one]))[0] for one in some]
    assert list(together) == alone


async def test_every_estimate_names_its_model(subject: Subject) -> None:
    identities = {estimate.model for estimate in await subject.model.answer(houses(3))}
    (identity,) = identities
    assert all(type(text) is str and text for text in (identity.name, identity.version, identity.id))


async def test_every_estimate_tells_what_the_model_was_asked_for_it(subject: Subject) -> None:
    asked = houses(3)
    first = await subject.model.answer(asked)
    again = await subject.model.answer(asked)
    assert [orjson.loads(estimate.inputs) for estimate in [*first, *again]] == [list(row_of(one)) for one in asked * 2]


async def test_a_house_that_leaves_out_all_it_may_has_a_price(subject: Subject) -> None:
    bare = house(**dict.fromkeys(map(alias_of, NULLABLE), ABSENT))
    assert len(await subject.model.answer([bare])) == 1


async def test_a_house_with_any_one_gap_has_a_price(subject: Subject) -> None:
    gaps = [house(**{alias_of(name): None}) for name in NULLABLE]
    assert len(await subject.model.answer(gaps)) == len(NULLABLE)


async def test_callers_at_the_same_time_get_their_own_estimates(subject: Subject) -> None:
    some = houses(10)
    expected = await subject.model.answer(some)
    answers = await asyncio.gather(*(subject.model.answer([one]) for one in some))
    assert [answer[0] for answer in answers] == list(expected)


async def test_a_caller_may_leave_at_any_time(subject: Subject) -> None:
    expected = list(await subject.model.answer(houses(3)))
    for turns in range(6):
        leaving = asyncio.create_task(subject.model.answer(houses(3)))
        for _ in range(turns):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    assert list(await subject.model.answer(houses(3))) == expected


@pytest.mark.parametrize("count", [1, 250])
async def test_when_there_is_no_answer_the_error_has_a_name(subject: Subject, count: int) -> None:
    with pytest.raises(ModelServerError) as raised:
        await subject.away.answer(houses(count))
    assert isinstance(raised.value, ModelServerUnavailable | CircuitOpen)
