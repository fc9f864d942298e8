"""The real houses of the survey, and request bodies for each kind of server."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from benchmarks.paths import STATE, SURVEY
from housing_price_orchestrator.provider.model_server.columns import COLUMN_OF_FIELD
from housing_price_orchestrator.shared.view.house import House
from housing_price_platform.files import write_atomically
from housing_price_survey.columns import COLUMNS

ALIAS_OF_COLUMN: Final = {column: House.model_fields[field].alias or field for field, column in COLUMN_OF_FIELD.items()}

PREDICT_PATH: Final = "/api/v1/price/predict"
VALUATION_PATH: Final = "/api/v1/valuation"
MAX_BODIES_BYTES: Final = 32 * 1024 * 1024

type Document = dict[str, Any]


@cache
def ids() -> list[int]:
    """Return the ids of all houses, in the order of the survey."""
    return [int(record["Id"]) for record in _records()]


@cache
def rows() -> list[Document]:
    """Return every house as values by the model's column names. Blanks are None; integral numbers are int."""
    records = _records()
    numeric = {column for column in COLUMNS if all(_is_number(record[column]) for record in records if record[column])}
    return [{column: _value(record[column], column in numeric) for column in COLUMNS} for record in records]


@cache
def documents() -> list[Document]:
    """Return every house as a JSON document of the public API."""
    return [
        {"id": house_id} | {ALIAS_OF_COLUMN[column]: value for column, value in row.items()}
        for house_id, row in zip(ids(), rows(), strict=True)
    ]


@cache
def _records() -> list[dict[str, str]]:
    with SURVEY.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _value(text: str, is_number: bool) -> Any:
    if not text:
        return None
    if not is_number:
        return text
    number = float(text)
    return int(number) if number.is_integer() else number


@dataclass(frozen=True)
class RequestFormat:
    """The paths and request bodies of one kind of server, for one house and for several."""

    name: str
    single_path: str
    single_body: Callable[[int], Any]
    batch_path: str = ""
    batch_body: Callable[[Sequence[int]], Any] | None = None

    def path(self, count: int) -> str:
        """Return the path of a request with `count` houses."""
        return self.single_path if count == 1 else self.batch_path

    def body(self, houses: Sequence[int]) -> bytes:
        """Encode a request body for houses, given by their positions in the survey."""
        if len(houses) == 1:
            return orjson.dumps(self.single_body(houses[0]))
        if self.batch_body is None:
            raise ValueError(f"{self.name} accepts one house per request")
        return orjson.dumps(self.batch_body(houses))


@cache
def bodies_file(request_format: RequestFormat, count: int) -> Path:
    """Write a file with one body of `count` houses per line, covering every house; returns its path.

    Body k holds `count` houses from position k * count on, modulo the number of houses.
    """
    path = STATE / "bodies" / f"{request_format.name}-{count}.jsonl"
    total = len(ids())

    def write(file: BinaryIO) -> None:
        for k in range(max(2, -(-total // count))):
            file.write(request_format.body([(k * count + j) % total for j in range(count)]) + b"\n")
            if file.tell() > MAX_BODIES_BYTES:
                break

    write_atomically(path, write, parents=True, is_durable=False)
    return path


def _dataframe_split(houses: Sequence[int]) -> Document:
    data = [list(rows()[house].values()) for house in houses]
    return {"dataframe_split": {"columns": COLUMNS, "data": data}}


PUBLIC: Final = RequestFormat(
    "public",
    PREDICT_PATH,
    lambda house: documents()[house],
    f"{PREDICT_PATH}/batch",
    lambda houses: {"data": [documents()[house] for house in houses]},
)


def _valuations(name: str, query: str) -> RequestFormat:
    batch_path = f"{VALUATION_PATH}/batch{query}"
    return RequestFormat(name, VALUATION_PATH + query, PUBLIC.single_body, batch_path, PUBLIC.batch_body)


VALUE_ALONE: Final = _valuations("value", "?include=")
VALUATION_WITHOUT_EXPLANATION: Final = _valuations("comparables", "?include=comparables")
FULL_VALUATION: Final = _valuations("valuation", "")
INVOCATIONS: Final = RequestFormat(
    "invocations", "/invocations", lambda house: _dataframe_split([house]), "/invocations", _dataframe_split
)
LITSERVE: Final = RequestFormat("litserve", "/predict", lambda house: rows()[house])
BENTOML: Final = RequestFormat(
    "bentoml",
    "/predict",
    lambda house: {"houses": [rows()[house]]},
    "/predict",
    lambda houses: {"houses": [rows()[house] for house in houses]},
)
