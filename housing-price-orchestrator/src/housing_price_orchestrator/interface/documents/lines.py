"""Parses one line of a stream or of a file: a house by the keys of the API or by the names of the survey."""

from collections.abc import Mapping

from housing_price_orchestrator.interface.documents.reading import read_house
from housing_price_orchestrator.shared.errors import InvalidDocument
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK
from housing_price_survey.tabular.ndjson_table import survey_house


def read_line(text: bytes, number: int) -> AnyHouse:
    """Parse a line of a stream; `number` is that of the line, from 1.

    A line with the survey's names that has no id gets its number as id.

    Raises:
        InvalidDocument: Lists every invalid field, as the caller spelled it, below `body`.
    """
    is_start = number == 1
    try:
        return read_house(text, is_start=is_start)
    except InvalidDocument:
        found = survey_house(text.removeprefix(BYTE_ORDER_MARK) if is_start else text, number)
        if found is None:
            raise
    return read_named_house(found.document, found.names)


def read_named_house(document: bytes, names: Mapping[str, str]) -> AnyHouse:
    """Parse a house that was made from a row whose columns have other names.

    Args:
        document: The house as JSON, by the keys of the API.
        names: The name of each key in the row.

    Raises:
        InvalidDocument: Lists every invalid field by its name in the row.
    """
    try:
        return read_house(document, is_start=False)
    except InvalidDocument as error:
        if not names:
            raise
        findings = [{**finding, "loc": _named(finding["loc"], names)} for finding in error.findings]
        raise InvalidDocument(findings, error.omitted) from error


def _named(loc: tuple[int | str, ...], names: Mapping[str, str]) -> tuple[int | str, ...]:
    return tuple(names.get(part, part) if isinstance(part, str) else part for part in loc)
