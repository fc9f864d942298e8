"""Reads the values that a model has seen from its model server (`GET /ranges` of the product's own server)."""

import math
from typing import Any, Final

import msgspec

from housing_price_orchestrator.provider.model_server.mlflow_client import NAME, MLflowClient
from housing_price_orchestrator.provider.model_server.mlflow_model import READINESS_CALL_ID
from housing_price_orchestrator.shared.errors import AnswerMalformed
from housing_price_orchestrator.shared.input_ranges import InputRanges, SeenValues, ValueRange
from housing_price_survey.columns import SURVEY_COLUMNS, Column
from housing_price_survey.vocabulary import words_of

PATH: Final = "/ranges"


class _Document(msgspec.Struct):
    model_id: str
    numbers: dict[str, tuple[float, float]]
    categories: dict[str, list[str | int]]


_decode = msgspec.json.Decoder(_Document).decode


class MLflowInputRanges:
    """`InputRangesSource` of one model server."""

    def __init__(self, client: MLflowClient) -> None:
        """Ask the model server of `client`."""
        self._client = client

    async def input_ranges(self) -> InputRanges:
        """See `InputRangesSource.input_ranges`."""
        return read_ranges(await self._client.get(PATH, call_id=READINESS_CALL_ID))


def read_ranges(content: bytes) -> InputRanges:
    """Read the document of `GET /ranges`.

    Raises:
        AnswerMalformed: It is not as expected.
    """
    try:
        document = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The message has no text of the model server: it must not reach the log.
        raise AnswerMalformed("the ranges are not the expected JSON") from error
    if NAME.fullmatch(document.model_id) is None:
        raise AnswerMalformed("the ranges are of no valid model id")
    return InputRanges(document.model_id, [_seen_values(column, document) for column in SURVEY_COLUMNS])


def _seen_values(column: Column, document: _Document) -> SeenValues:
    """Return what the model has seen of a column; anything if the document does not say."""
    if column.words is None:
        low, high = document.numbers.get(column.name, (-math.inf, math.inf))
        if not low <= high:
            raise AnswerMalformed(f"the range of {column.name} is empty")
        return SeenValues(column.key, ValueRange(low, high) if column.name in document.numbers else None)
    seen: Any = document.categories.get(column.name)
    if seen is None:
        return SeenValues(column.key)
    # Only words of the survey, so that no text of a model server reaches callers.
    known = words_of(column.words)
    words = tuple(word for word in known if word in seen)
    return SeenValues(column.key, words=None if words == known else words)
