"""The promises of the port `Model`, kept by every wrapper also for texts and lengths instead of houses and prices."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fakes import FakeLengthModel, Length
from housing_price_orchestrator.shared.errors import (
    CircuitOpen,
    ModelServerError,
    ModelServerUnavailable,
    RowsRefused,
    SomeAnswersUnusable,
)
from housing_price_orchestrator.shared.ports import Model
from wrappers import WRAPPERS

pytestmark = pytest.mark.anyio

type LengthModel = Model[str, Length]
type Wrap = Callable[[LengthModel], LengthModel]


@pytest.fixture(params=["unwrapped", *WRAPPERS])
def wrap(request: pytest.FixtureRequest) -> Wrap:
    return WRAPPERS.get(request.param, lambda model: model)


def texts(count: int) -> list[str]:
    """Make texts of 1 to `count` letters, each length once, out of order; `count` is no multiple of 7."""
    return ["x" * (1 + 7 * number % count) for number in range(count)]


def lengths(answers: Sequence[Length]) -> list[int]:
    return [answer.letters for answer in answers]


async def answer_or_error(model: LengthModel, text: str) -> Any:
    (result,) = await asyncio.gather(model.answer([text]), return_exceptions=True)
    return result if isinstance(result, BaseException) else lengths(result)


async def test_no_question_is_no_answer_and_no_call(wrap: Wrap) -> None:
    assert list(await wrap(FakeLengthModel()).answer([])) == []
    assert list(await wrap(FakeLengthModel(error=ModelServerUnavailable("away"))).answer([])) == []


@pytest.mark.parametrize("count", [1, 2, 8, 250])
async def test_there_is_one_answer_for_each_question_in_order(wrap: Wrap, count: int) -> None:
    asked = texts(count)
    assert lengths(await wrap(FakeLengthModel()).answer(asked)) == list(map(len, asked))


async def test_callers_at_the_same_time_get_their_own_answers(wrap: Wrap) -> None:
    model, asked = wrap(FakeLengthModel()), texts(40)
    answers = await asyncio.gather(*(model.answer([text, text + "x"]) for text in asked))
    assert list(map(lengths, answers)) == [[len(text), len(text) + 1] for text in asked]


async def test_a_caller_may_leave_at_any_time(wrap: Wrap) -> None:
    model = wrap(FakeLengthModel())
    for turns in range(6):
        leaving = asyncio.ensure_future(model.answer(texts(3)))
        for _ in range(turns):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    assert lengths(await model.answer(texts(3))) == list(map(len, texts(3)))


@pytest.mark.parametrize("count", [1, 250])
async def test_when_there_is_no_answer_the_error_has_a_name(wrap: Wrap, count: int) -> None:
    with pytest.raises(ModelServerError) as raised:
        await wrap(FakeLengthModel(error=ModelServerUnavailable("away"))).answer(texts(count))
    assert isinstance(raised.value, ModelServerUnavailable | CircuitOpen)


@pytest.mark.parametrize("count", [4, 250])
async def test_unusable_answer_keeps_the_others(wrap: Wrap, count: int) -> None:
    asked = [*texts(count - 1), "unusable"]
    with pytest.raises(SomeAnswersUnusable) as raised:
        await wrap(FakeLengthModel(unusable={"unusable"})).answer(asked)
    *others, last = raised.value.answers
    assert lengths(others) == list(map(len, asked[:-1]))
    assert last is None


async def test_unusable_answer_fails_only_its_own_caller(wrap: Wrap) -> None:
    model = wrap(FakeLengthModel(unusable={"unusable"}))
    first, unusable, last = await asyncio.gather(*(answer_or_error(model, text) for text in ("a", "unusable", "bcd")))
    assert (first, last) == ([1], [3])
    assert isinstance(unusable, SomeAnswersUnusable)


async def test_refused_question_fails_only_its_own_caller(wrap: Wrap) -> None:
    model = wrap(FakeLengthModel(refused={"refused"}))
    first, refused, last = await asyncio.gather(*(answer_or_error(model, text) for text in ("a", "refused", "bcd")))
    assert (first, last) == ([1], [3])
    assert isinstance(refused, RowsRefused)
