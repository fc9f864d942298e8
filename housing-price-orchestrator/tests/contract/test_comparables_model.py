"""The promises of the port `ComparablesModel`, kept by everything that passes for one."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from factories import house, houses
from fakes import FakeComparablesModel
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.provider.model_server.mlflow_comparables_model import MLflowComparablesModel, params_of
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.shared.errors import CircuitOpen, ModelServerError, ModelServerUnavailable
from housing_price_orchestrator.shared.ports import ComparablesModel, ComparablesQuestion
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.record import house_with_gaps
from servers import StubModelServer, reserved_port
from wrappers import SECONDS, WRAPPERS

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Subject:
    """A comparables model, and the same kind of model with nobody behind it."""

    model: ComparablesModel
    away: ComparablesModel


def coalesced_by_parameters(model: ComparablesModel) -> ComparablesModel:
    return CoalescingModel(model, max_rows=5, max_calls=2, group_of=params_of)


COMPARABLES_WRAPPERS = {**WRAPPERS, "coalesced by parameters": coalesced_by_parameters}

REAL = "comparables server"

KINDS = [
    *(f"fake, {wrapped}" for wrapped in ("", *COMPARABLES_WRAPPERS)),
    *(f"stub server, {wrapped}" for wrapped in ("", "coalesced by parameters", "as shipped")),
    *(pytest.param(f"{REAL}, {wrapped}", marks=pytest.mark.full) for wrapped in ("", "as shipped")),
]


@pytest.fixture(params=KINDS)
async def subject(request: pytest.FixtureRequest, comparables_stub: StubModelServer) -> AsyncIterator[Subject]:
    kind, _, wrapped = request.param.partition(", ")
    async with AsyncExitStack() as stack:

        async def asking(url: str) -> ComparablesModel:
            client = client_for(url, timeout_seconds=SECONDS, connect_timeout_seconds=SECONDS, connections=4)
            return MLflowComparablesModel(await stack.enter_async_context(client), model_name="housing-comparables")

        if kind == "fake":
            model: ComparablesModel = FakeComparablesModel()
            away: ComparablesModel = FakeComparablesModel(error=ModelServerUnavailable("away"))
        else:
            url = request.getfixturevalue("comparables_server") if kind == REAL else comparables_stub.url
            model, away = (
                await asking(url),
                await asking(f"http://127.0.0.1:{stack.enter_context(reserved_port())}"),
            )
        if wrapped:
            model, away = COMPARABLES_WRAPPERS[wrapped](model), COMPARABLES_WRAPPERS[wrapped](away)
        yield Subject(model, away)


def questions(count: int, **changes: Any) -> list[ComparablesQuestion]:
    return [ComparablesQuestion(one, **changes) for one in houses(count)]


FEW_FACTS: dict[str, str | int | float | None] = {
    "neighborhood": "NAmes",
    "gr_liv_area": 1_500.0,
    "overall_qual": 6,
    "year_built": 1_960,
}


def mixed_questions() -> list[ComparablesQuestion]:
    """Make questions whose parameters differ, in an order in which no two neighbours are alike."""
    partial = house_with_gaps(1, FEW_FACTS)
    return [
        ComparablesQuestion(house(lotArea=5_000)),
        ComparablesQuestion(partial, 20, tuple(FEW_FACTS)),
        ComparablesQuestion(house(lotArea=6_000)),
        ComparablesQuestion(house(lotArea=5_000), 3),
        ComparablesQuestion(partial, 6, tuple(FEW_FACTS)),
        ComparablesQuestion(house(lotArea=7_000)),
    ]


async def test_no_question_is_no_answer(subject: Subject) -> None:
    assert list(await subject.model.answer([])) == []
    # No question, no call: there is nobody to call.
    assert list(await subject.away.answer([])) == []


@pytest.mark.parametrize("count", [1, 2, 7, 60])
async def test_there_is_one_answer_for_each_question(subject: Subject, count: int) -> None:
    assert len(await subject.model.answer(questions(count))) == count


@pytest.mark.parametrize("k", [1, 6, 20])
async def test_each_answer_has_the_sales_that_were_asked_for_nearest_first(subject: Subject, k: int) -> None:
    for found in await subject.model.answer(questions(3, k=k)):
        assert len(found.sales) == k == len({sale.id for sale in found.sales})
        distances = [sale.distance for sale in found.sales]
        assert distances == sorted(distances)
        assert all(0 <= distance < math.inf for distance in distances)


async def test_each_sale_has_a_price_and_is_a_valid_house(subject: Subject) -> None:
    (found,) = await subject.model.answer(questions(1))
    for sale in found.sales:
        assert 0 < sale.price_usd < math.inf
        sold: Any = sale.house
        assert sold.id == sale.id
        document = sold.model_dump() if isinstance(sold, House) else msgspec.to_builtins(sold)
        House.model_validate(document)
        assert row_of(sold) != row_of(house())


async def test_each_answer_names_its_model_and_how_to_blend(subject: Subject) -> None:
    found = await subject.model.answer(questions(3))
    (identity,) = {one.model for one in found}
    assert all((identity.name, identity.version, identity.id))
    assert len({(one.blend.weight, one.blend.distance_offset) for one in found}) == 1


async def test_answers_keep_the_order_of_the_questions(subject: Subject) -> None:
    asked = questions(12)
    forwards, backwards = await subject.model.answer(asked), await subject.model.answer(asked[::-1])
    assert list(forwards) == list(backwards)[::-1]
    assert len({(found.sales[0].id, found.sales[0].distance) for found in forwards}) > 1


async def test_an_answer_does_not_depend_on_the_questions_beside_it(subject: Subject) -> None:
    asked = questions(8)
    together = await subject.model.answer(asked)
    alone = [(await subject.model.answer([one]))[0] for one in asked]
    assert list(together) == alone


async def test_questions_with_different_parameters_may_be_asked_together(subject: Subject) -> None:
    asked = mixed_questions()
    together = await subject.model.answer(asked)
    assert [len(found.sales) for found in together] == [question.k for question in asked]
    assert list(together) == [(await subject.model.answer([one]))[0] for one in asked]


async def test_callers_at_the_same_time_get_their_own_answers(subject: Subject) -> None:
    asked = mixed_questions() * 3
    expected = [(await subject.model.answer([one]))[0] for one in asked]
    answers = await asyncio.gather(*(subject.model.answer([one]) for one in asked))
    assert [answer[0] for answer in answers] == expected


async def test_a_caller_may_leave_at_any_time(subject: Subject) -> None:
    expected = list(await subject.model.answer(mixed_questions()))
    for turns in range(6):
        leaving = asyncio.ensure_future(subject.model.answer(mixed_questions()))
        for _ in range(turns):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    assert list(await subject.model.answer(mixed_questions())) == expected


@pytest.mark.parametrize("count", [1, 60])
async def test_when_there_is_no_answer_the_error_has_a_name(subject: Subject, count: int) -> None:
    with pytest.raises(ModelServerError) as raised:
        await subject.away.answer(questions(count))
    assert isinstance(raised.value, ModelServerUnavailable | CircuitOpen)
