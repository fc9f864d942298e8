"""The ranges of a model are learned when it first answers a probe, and once."""

import asyncio
from collections.abc import Sequence

import pytest

from factories import house
from fakes import FakePriceModel
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.service.input_warnings import MAX_MODELS, InputWarnings, RangeLearningModel
from housing_price_orchestrator.shared.errors import (
    AnswerMalformed,
    DeadlineExceeded,
    HousingPriceError,
    ModelServerFailed,
    ModelServerUnavailable,
)
from housing_price_orchestrator.shared.input_ranges import InputRanges, SeenValues, ValueRange
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_survey.columns import SURVEY_COLUMNS

pytestmark = pytest.mark.anyio


def small_houses(model_id: str) -> InputRanges:
    """The ranges of a model that has seen living areas up to 100 square feet."""
    return InputRanges(
        model_id,
        [
            SeenValues(column.key, ValueRange(0.0, 100.0) if column.key == "grLivArea" else None)
            for column in SURVEY_COLUMNS
        ],
    )


class FakeSource:
    """Publishes ranges, or fails, and counts how often it is asked."""

    def __init__(self, answer: InputRanges | HousingPriceError | None) -> None:
        self.answer = answer
        self.asked = 0

    async def input_ranges(self) -> InputRanges:
        self.asked += 1
        if self.answer is None:
            await asyncio.Event().wait()
        if not isinstance(self.answer, InputRanges):
            raise self.answer or AssertionError
        return self.answer


def estimate_of(model_id: str) -> PriceEstimate:
    return PriceEstimate(1.0, 1.0, 1.0, ModelIdentity("m", "1", model_id))


async def learn(warnings: InputWarnings, model_id: str, *sources: FakeSource, seconds: float = 10) -> None:
    await warnings.learn(model_id, sources, within_seconds=seconds)


async def test_a_house_is_compared_with_the_ranges_of_the_model_that_priced_it() -> None:
    warnings = InputWarnings(row_of)
    await learn(warnings, "a", FakeSource(small_houses("a")))
    (warning,) = warnings.warnings_of(house(grLivArea=101), estimate_of("a"))
    assert (warning.field, warning.value) == ("grLivArea", 101)
    assert warnings.warnings_of(house(grLivArea=100), estimate_of("a")) == ()
    assert warnings.warnings_of(house(grLivArea=101), estimate_of("another model")) == ()


async def test_a_known_model_is_not_asked_for_again() -> None:
    warnings, source = InputWarnings(row_of), FakeSource(small_houses("a"))
    for _ in range(3):
        await learn(warnings, "a", source)
    assert source.asked == 1
    assert warnings.knows(["a"])
    assert not warnings.knows(["a", "b"])


@pytest.mark.parametrize("error", [ModelServerFailed("404"), AnswerMalformed("no JSON")])
async def test_a_server_without_usable_ranges_is_asked_once_for_each_model(error: HousingPriceError) -> None:
    warnings, source = InputWarnings(row_of), FakeSource(error)
    for _ in range(3):
        await learn(warnings, "a", source)
    assert source.asked == 1
    assert warnings.warnings_of(house(grLivArea=101), estimate_of("a")) == ()
    await learn(warnings, "b", source)
    assert source.asked == 2


@pytest.mark.parametrize("error", [ModelServerUnavailable("refused"), DeadlineExceeded("slow")])
async def test_a_server_that_was_unavailable_is_asked_again(error: HousingPriceError) -> None:
    warnings, source = InputWarnings(row_of), FakeSource(error)
    await learn(warnings, "a", source)
    source.answer = small_houses("a")
    await learn(warnings, "a", source)
    assert warnings.ranges_of("a") is source.answer


async def test_a_server_that_does_not_answer_delays_the_probe_by_no_more_than_its_time() -> None:
    warnings, source = InputWarnings(row_of), FakeSource(None)
    await learn(warnings, "a", source, seconds=0.01)
    await learn(warnings, "a", source, seconds=0.01)
    assert source.asked == 2


async def test_the_ranges_of_another_model_are_never_those_of_this_one() -> None:
    warnings = InputWarnings(row_of)
    other, right = FakeSource(small_houses("b")), FakeSource(small_houses("a"))
    await learn(warnings, "a", other, right)
    assert warnings.ranges_of("a") is right.answer
    assert warnings.ranges_of("b") is other.answer
    await learn(warnings, "c", other)
    assert warnings.ranges_of("c") is None


async def test_the_ranges_of_few_models_are_kept() -> None:
    warnings = InputWarnings(row_of)
    for number in range(MAX_MODELS + 1):
        await learn(warnings, str(number), FakeSource(small_houses(str(number))))
    assert warnings.ranges_of("0") is None
    assert warnings.ranges_of("1") is not None


async def test_the_probe_learns_the_ranges_before_it_returns() -> None:
    warnings, model = InputWarnings(row_of), FakePriceModel()
    sources: Sequence[FakeSource] = [FakeSource(small_houses(model.identity.id))]
    probe = RangeLearningModel(model, warnings, sources, within_seconds=10)
    (estimate,) = await probe.answer([house(grLivArea=101)])
    assert warnings.warnings_of(house(grLivArea=101), estimate)


async def test_a_probe_without_ranges_still_succeeds() -> None:
    probe = RangeLearningModel(
        FakePriceModel(), InputWarnings(row_of), [FakeSource(ModelServerUnavailable("gone"))], within_seconds=10
    )
    assert len(await probe.answer([house()])) == 1
