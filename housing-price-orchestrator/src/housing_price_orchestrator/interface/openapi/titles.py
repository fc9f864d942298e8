"""Readable titles of fields and parameters: those that pydantic makes have no spaces (`Rowspriced`)."""

import re
from collections.abc import Iterator
from typing import Any, Final

_ABBREVIATIONS: Final = {"cod": "COD", "id": "ID", "prb": "PRB", "prd": "PRD", "rmsle": "RMSLE"}
_START_OF_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z]{2})(?=[0-9])")


def make_titles_readable(document: dict[str, Any]) -> None:
    """Replace each title that only repeats the name of its field or parameter; others stay."""
    for name, schema in _named_schemas(document):
        if schema.get("title", "").replace(" ", "").lower() == name.replace("-", "").lower():
            schema["title"] = _title_of(name)


def _named_schemas(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for schema in document["components"]["schemas"].values():
        yield from schema.get("properties", {}).items()
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                yield parameter["name"], parameter["schema"]


def _title_of(name: str) -> str:
    """Return `rowsPriced` as `Rows priced`."""
    words = [_ABBREVIATIONS.get(word.lower(), word.lower()) for word in _START_OF_WORD.sub(" ", name).split()]
    title = " ".join(words)
    return title[0].upper() + title[1:]
