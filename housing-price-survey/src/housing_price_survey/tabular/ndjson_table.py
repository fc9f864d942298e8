"""Reads NDJSON files: one JSON object per line, with the keys of the API or the names of the survey."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK, HEAD_BYTES, check_encoding, not_utf_8
from housing_price_survey.tabular.lines import READ_BYTES, TOO_LONG, lines_with_end
from housing_price_survey.tabular.names import BLANKS, ID_KEY, KEY_OF_SURVEY_NAME, SPACES, Layout, layout_of
from housing_price_survey.tabular.numbers import parse_number
from housing_price_survey.tabular.records import Record

# Every house of the survey has one of these names.
_SURVEY_MARKS: Final = tuple(
    json.dumps(name).encode() for name, key in KEY_OF_SURVEY_NAME.items() if key == "msSubClass"
)


class NdjsonTable:
    """The records of an NDJSON file. Only LF and CRLF end a line; blank lines are skipped."""

    layout: Final = None
    """Each line has its own columns."""

    def __init__(self, path: Path, *, with_price: bool = False) -> None:
        """Read the file at `path`; `with_price` includes the sale price.

        Raises:
            UnusableFile: The file is not text in UTF-8.
            OSError: The file cannot be read.
        """
        self._path = path
        self._with_price = with_price
        with path.open("rb") as file:
            check_encoding(file.read(HEAD_BYTES))

    def lines(self, offset: int = 0) -> Iterator[tuple[int, bytes | None, int]]:
        """Yield the number, the text and the end offset of each line; None instead of a line that is too long."""
        with self._path.open("rb", READ_BYTES) as file:
            file.seek(offset)
            start = offset
            for number, (line, end) in enumerate(lines_with_end(file, offset), 1):
                if line is None:
                    yield number, None, end
                elif text := line.removeprefix(BYTE_ORDER_MARK if start == 0 and number == 1 else b"").strip():
                    yield number, text, end

    def records(self) -> Iterator[Record]:
        """Yield the records of the file."""
        for number, line, end in self.lines():
            if line is None:
                yield Record(number, None, TOO_LONG, end)
                continue
            try:
                document = _parse(line)
            except UnicodeDecodeError as error:
                yield Record(number, None, not_utf_8(error), end)
                continue
            except ValueError as error:
                yield Record(number, None, f"invalid JSON: {error}", end)
                continue
            layout = _layout(tuple(document), self._with_price)
            yield Record(number, _values(document, layout), None, end)


class SurveyHouse(NamedTuple):
    """A house of a file with the survey's names."""

    document: bytes
    """The house as the JSON document that a caller of the API would send."""
    names: Mapping[str, str]
    """The name in the file of each key."""


def survey_house(line: bytes, row: int) -> SurveyHouse | None:
    """Turn a JSON object with the survey's names into the document that a caller of the API would send.

    Args:
        line: The JSON text.
        row: The number of the row, from 1: the id of a house that has none.

    Returns:
        The house; None if the text is not a JSON object, or its names are those of the API.
    """
    if not any(mark in line for mark in _SURVEY_MARKS):
        return None
    try:
        document = _parse(line)
    except ValueError:
        return None
    layout = _layout(tuple(document), with_price=False)
    if not layout.is_survey or layout.repeated:
        return None
    unknown = {name: document[name] for name in layout.unknown}
    values = {ID_KEY: row} | layout.nulls() | _values(document, layout) | unknown
    return SurveyHouse(json.dumps(values).encode(), layout.names)


def _values(document: Mapping[str, Any], layout: Layout) -> dict[str, object]:
    values = {key: document[name] for key, name in layout.names.items()}
    if layout.is_survey:
        return {key: _trimmed(value) for key, value in values.items()}
    return values


def _trimmed(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip(SPACES)
    return None if text in BLANKS else text


@lru_cache(maxsize=64)
def _layout(names: tuple[str, ...], with_price: bool) -> Layout:
    return layout_of(names, with_price=with_price)


def _parse(line: bytes) -> dict[str, Any]:
    """Parse a JSON object strictly, with exact integers.

    Raises:
        ValueError: The text is not a JSON object in UTF-8, or has duplicate keys, NaN or Infinity.
    """
    try:
        document = json.loads(
            line.decode(), parse_float=_exact, parse_constant=_refuse_constant, object_pairs_hook=_without_repeats
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if isinstance(document, dict):
        return document
    raise ValueError("expected an object")


def _exact(literal: str) -> object:
    number = parse_number(literal)
    # A number beyond the largest floating-point number stays text, which validation rejects and names.
    return literal if number is None else number


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key is repeated")
    return document


def _refuse_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
