"""Payloads and settings: the only place that makes the JSON and the houses of the tests."""

import csv
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from benchmarks.houses import documents
from fastapi import FastAPI
from fastapi.testclient import TestClient

from housing_price_orchestrator.interface.services import SERVICES, Services
from housing_price_orchestrator.provider.access.key_file import create_key
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.access import Scope
from housing_price_orchestrator.shared.view.house import House
from housing_price_survey.columns import SURVEY_COLUMNS
from housing_price_survey.vocabulary import words_of

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
SURVEY = REPOSITORY / "housing-price-model" / "data" / "ames-housing.csv"


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = 1


ABSENT: Any = Absent.ABSENT
"""As the value of a change: the key is left out. A member of an enum has the same name in each parallel test worker."""

_EXAMPLE = json.loads((EXAMPLES / "request-1461.json").read_bytes())


def house_json(**changes: Any) -> dict[str, Any]:
    """The house of the examples, as callers send it, with some keys changed, added or left out."""
    return {key: value for key, value in {**_EXAMPLE, **changes}.items() if value is not ABSENT}


def house_bytes(**changes: Any) -> bytes:
    return json.dumps(house_json(**changes)).encode()


def houses_json(count: int) -> list[dict[str, Any]]:
    """Return `count` houses, each with an id and a lot area of its own."""
    return [house_json(id=number + 1, lotArea=5_000 + number) for number in range(count)]


def batch_json(houses: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"data": list(houses)}


def batch_bytes(houses: Iterable[dict[str, Any]]) -> bytes:
    return json.dumps(batch_json(houses)).encode()


def house(**changes: Any) -> House:
    return House.model_validate(house_json(**changes))


def houses(count: int) -> list[House]:
    return [House.model_validate(document) for document in houses_json(count)]


def alias_of(field: str) -> str:
    """Return the public name of a field of `House`."""
    return House.model_fields[field].alias or field


def survey_rows() -> Iterator[dict[str, str]]:
    """The survey as it is in the file; blank is the empty string."""
    with SURVEY.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def survey_houses() -> list[dict[str, Any]]:
    """Every house of the survey, as a caller would send it: whole numbers whole, blanks null."""
    # Tests may change them, and the documents of the benchmark are kept.
    return [dict(document) for document in documents()]


def ranges_json(model_id: str = "stub-1") -> dict[str, Any]:
    """Return the ranges that a model server publishes for a model trained on the whole survey."""
    rows = list(survey_rows())
    given = {column.name: {row[column.name] for row in rows} - {""} for column in SURVEY_COLUMNS}
    numbers = {
        column.name: [min(map(float, given[column.name])), max(map(float, given[column.name]))]
        for column in SURVEY_COLUMNS
        if column.words is None
    }
    categories = {
        column.name: [word for word in words_of(column.words) if str(word) in given[column.name]]
        for column in SURVEY_COLUMNS
        if column.words is not None
    }
    return {"model_id": model_id, "numbers": numbers, "categories": categories}


def price_in(prediction: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a prediction that are equal for equal houses: all except the transaction."""
    return {key: value for key, value in prediction.items() if key != "transactionId"}


def settings_for(url: str, **groups: dict[str, Any]) -> Settings:
    """Settings for tests: the model server at `url`, and readiness asks once."""
    return Settings.model_validate(
        {
            "model_server": {"base_url": url} | groups.pop("model_server", {}),
            "readiness": {"probe_interval_seconds": 3600} | groups.pop("readiness", {}),
            "requests": {"deadline_seconds": 30} | groups.pop("requests", {}),
            "prediction_log": {"enabled": False} | groups.pop("prediction_log", {}),
            **groups,
        }
    )


def client_of(app: FastAPI, **options: Any) -> TestClient:
    """A client of an application, under a host name that is served without authentication."""
    return TestClient(app, base_url="http://localhost", **options)


def services_of(client: TestClient) -> Services:
    """The services of the running application behind a client."""
    services: Services = client.app_state[SERVICES]
    return services


def replace_services(client: TestClient, **services: Any) -> None:
    """Replace services of the running application behind a client, for instance by one that fails."""
    client.app_state[SERVICES] = dataclasses.replace(services_of(client), **services)


def new_key(path: Path, *scopes: Scope, expires: datetime | None = None) -> str:
    """Add a key to the file at `path`; good for `predict` where nothing else is said."""
    key, _ = create_key(path, name="test", scopes=scopes or ("predict",), now=datetime.now(UTC), expires=expires)
    return key


def raw_headers(headers: Mapping[str, str | bytes]) -> dict[bytes, bytes]:
    """Headers as bytes, for values that are not ASCII."""
    return {name.encode(): value.encode() if isinstance(value, str) else value for name, value in headers.items()}


def bearer(credential: str) -> dict[str, str]:
    """The header that shows a credential."""
    return {"authorization": f"Bearer {credential}"}


def a_route(version: str, *addresses: str, **more: Any) -> dict[str, Any]:
    """A route to the model of a version, which has a name of its own."""
    return {
        "version": version,
        "modelId": f"model-{version}",
        "addresses": addresses or ["http://127.0.0.1:8081"],
    } | more


def routes_json(revision: Any = 1, champion: dict[str, Any] | None = None, **more: Any) -> str:
    """Return the content of a file of routes."""
    return json.dumps({"revision": revision, "champion": champion or a_route("1"), **more})
