"""Authentication and scopes, over HTTP and in the OpenAPI document."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import batch_bytes, bearer, client_of, house_bytes, houses_json, new_key, services_of, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.access import MAX_CREDENTIAL_CHARACTERS, credential_in, require_scope
from housing_price_orchestrator.interface.services import SERVICES, Services
from housing_price_orchestrator.observability.record import RequestRecord, current_request
from housing_price_orchestrator.shared.access import SCOPES
from housing_price_orchestrator.shared.errors import CredentialsInvalid
from servers import StubModelServer, says
from tokens import AUDIENCE, ISSUER, published, token

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
STREAM = "/api/v1/price/predict/stream"

GUARDED = {
    PREDICT: (house_bytes(), "application/json"),
    BATCH: (batch_bytes(houses_json(2)), "application/json"),
    STREAM: (house_bytes().replace(b"\n", b"") + b"\n", "application/x-ndjson"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def key(file: Path) -> str:
    return new_key(file)


@pytest.fixture
def guarded(stub: StubModelServer, start_app: StartApp, file: Path, key: str) -> TestClient:
    """The shipped application with API keys required."""
    assert key
    return start_app(stub.url, auth={"keys_file": file})


def post(api: TestClient, path: str, **headers: str) -> Any:
    body, kind = GUARDED[path]
    return api.post(path, content=body, headers={"content-type": kind, **headers})


@pytest.mark.parametrize("path", GUARDED)
def test_a_valid_key_is_accepted(guarded: TestClient, key: str, path: str) -> None:
    assert post(guarded, path, **bearer(key)).status_code == 200
    assert post(guarded, path, **{"X-API-Key": key}).status_code == 200


@pytest.mark.parametrize("path", GUARDED)
def test_without_a_key_the_response_is_a_401_that_says_what_to_send(guarded: TestClient, path: str) -> None:
    answer = post(guarded, path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer realm="housing-price"'
    assert answer.json()["requestId"] == answer.headers["x-request-id"]
    assert "X-API-Key" in answer.json()["detail"]


def test_the_bearer_scheme_is_case_insensitive(guarded: TestClient, key: str) -> None:
    assert post(guarded, PREDICT, authorization=f"bEARER  {key} ").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        bearer("hp_00000000_" + "0" * 64),
        bearer("x"),
        bearer("a.b.c"),
        bearer("x" * (MAX_CREDENTIAL_CHARACTERS + 1)),
        {"X-API-Key": "x"},
    ],
)
def test_an_unknown_key_is_a_401(guarded: TestClient, headers: dict[str, str]) -> None:
    answer = post(guarded, PREDICT, **headers)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert answer.json()["type"].endswith(":credentials-invalid")


def test_one_wrong_character_of_a_key_is_a_401(guarded: TestClient, key: str) -> None:
    for at in range(len(key)):
        wrong = key[:at] + ("0" if key[at] != "0" else "1") + key[at + 1 :]
        assert post(guarded, PREDICT, **bearer(wrong)).status_code == 401, at


def test_a_key_without_the_scope_is_a_403_that_names_the_scope(
    stub: StubModelServer, start_app: StartApp, file: Path
) -> None:
    key = new_key(file, "admin", "jobs")
    answer = post(start_app(stub.url, auth={"keys_file": file}), PREDICT, **bearer(key))
    assert answer.status_code == 403
    assert answer.json()["scope"] == "predict"
    assert answer.headers["www-authenticate"].endswith('error="insufficient_scope", scope="predict"')


def test_an_expired_key_is_a_401(stub: StubModelServer, start_app: StartApp, file: Path) -> None:
    now = datetime.now(UTC)
    keys = [new_key(file, expires=now + timedelta(days=days)) for days in (-1, 1)]
    api = start_app(stub.url, auth={"keys_file": file})
    assert [post(api, PREDICT, **bearer(key)).status_code for key in keys] == [401, 200]


def test_authentication_precedes_reading_the_body(guarded: TestClient) -> None:
    assert guarded.post(PREDICT, content=b"no JSON").status_code == 401
    assert guarded.post(PREDICT, content=b"x", headers={"content-type": "text/plain"}).status_code == 401
    assert guarded.post(BATCH, content=b" " * 40_000_000).status_code == 401


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/openapi.json", "/api/v1/vocabulary", "/docs", "/redoc"])
def test_health_and_documentation_need_no_key(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code in {200, 503}


@pytest.mark.parametrize("path", GUARDED)
def test_a_key_is_ignored_if_access_control_is_off(api: TestClient, path: str) -> None:
    assert post(api, path).status_code == 200
    assert post(api, path, **bearer("whatever")).status_code == 200


def test_a_request_records_the_public_part_of_its_key_only(guarded: TestClient, key: str) -> None:
    record = RequestRecord("r")
    token = current_request.set(record)
    try:
        assert guarded.portal is not None
        guarded.portal.call(require_scope("predict").dependency, _Request(services_of(guarded), bearer(key)))
    finally:
        current_request.reset(token)
    assert record.key_id == key.split("_")[1]


class _Request:
    """The part of a request that a scope check uses."""

    def __init__(self, services: Services, headers: dict[str, str]) -> None:
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"headers": encoded, "state": {SERVICES: services}}


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ([], None),
        ([(b"authorization", b"Basic dTpw")], None),
        ([(b"authorization", b"Basic dTpw"), (b"x-api-key", b"k")], "k"),
        ([(b"x-api-key", b"k"), (b"authorization", b"Bearer b")], "b"),
        ([(b"x-api-key", b"k"), (b"x-api-key", b"l")], "k"),
        ([(b"authorization", b"Bearer ")], None),
        ([(b"authorization", b"Bearer")], None),
        ([(b"x-api-key", b"")], None),
    ],
)
def test_a_credential_is_found_in_either_header(headers: list[tuple[bytes, bytes]], credential: str | None) -> None:
    assert credential_in(headers) == credential


def test_a_credential_that_is_not_ascii_is_invalid() -> None:
    with pytest.raises(CredentialsInvalid):
        credential_in([(b"authorization", b"Bearer \xff\xfe")])


def test_an_ordinary_fastapi_operation_can_require_a_scope(stub: StubModelServer, file: Path) -> None:
    keys = {scope: new_key(file, scope) for scope in ("predict", "admin")}
    app = create_app(settings_for(stub.url, auth={"keys_file": file}))

    @app.get("/beside-its-path", dependencies=[require_scope("admin")])
    async def one() -> str:
        return "yes"

    @app.get("/as-a-parameter")
    async def other(_: Annotated[None, require_scope("admin")]) -> str:
        return "yes"

    with client_of(app) as api:
        for path in ("/beside-its-path", "/as-a-parameter"):
            assert api.get(path).status_code == 401
            assert api.get(path, headers=bearer(keys["predict"])).status_code == 403
            assert api.get(path, headers=bearer(keys["admin"])).json() == "yes"
            operation = app.openapi()["paths"][path]["get"]
            assert operation["security"] == [{"bearer": ["admin"]}, {"apiKey": ["admin"]}]
            assert {"401", "403"} <= operation["responses"].keys()


def test_a_token_of_the_identity_provider_is_accepted_like_a_key(
    stub: StubModelServer, start_app: StartApp, file: Path, key: str
) -> None:
    with StubModelServer(says(503)) as provider:
        tokens = {"jwks_url": f"{provider.url}/jwks", "issuer": ISSUER, "audience": AUDIENCE}
        api = start_app(stub.url, auth={"keys_file": file}, jwt=tokens)
        away = post(api, PREDICT, **bearer(token()))
        assert away.status_code == 503
        assert away.json()["type"].endswith(":identity-provider-unavailable")
        assert int(away.headers["retry-after"]) >= 1
        # Keys work without the identity provider.
        assert post(api, PREDICT, **bearer(key)).status_code == 200
    with StubModelServer(says(body=published("rsa"))) as provider:
        api = start_app(stub.url, jwt={**tokens, "jwks_url": f"{provider.url}/jwks"})
        assert post(api, PREDICT, **bearer(token())).status_code == 200
        assert post(api, PREDICT, **{"X-API-Key": token()}).status_code == 200
        assert post(api, PREDICT, **bearer(token(scope="jobs"))).status_code == 403
        for refused in (token(exp=1), token(aud="other"), key, "a.b.c"):
            assert post(api, PREDICT, **bearer(refused)).status_code == 401
        assert post(api, PREDICT).status_code == 401


def operations(app: FastAPI) -> dict[tuple[str, str], dict[str, Any]]:
    document = json.loads(json.dumps(app.openapi()))
    return {(path, method): one for path, methods in document["paths"].items() for method, one in methods.items()}


SCOPE_OF_OPERATION = {
    "predict": "predict",
    "predictBatch": "predict",
    "predictStream": "predict",
    "value": "predict",
    "valueBatch": "predict",
    "estimate": "predict",
    "takeActuals": "predict",
    "realisedErrors": ("predict", "admin"),
    "findPredictions": ("predict", "admin"),
    "getPrediction": ("predict", "admin"),
    "submitScoring": "jobs",
    "submitScoringCsv": "jobs",
    "submitScoringNdjson": "jobs",
    "submitScoringParquet": "jobs",
    "submitTraining": "jobs",
    "listJobs": ("jobs", "admin"),
    "getJob": ("jobs", "admin"),
    "cancelJob": ("jobs", "admin"),
    "getJobResult": ("jobs", "admin"),
    "getJobRefused": ("jobs", "admin"),
    "listModels": "admin",
    "getDrift": "admin",
    "promoteModel": "admin",
    "promoteComparablesModel": "admin",
    "rollbackComparablesModel": "admin",
    "rollbackModel": "admin",
    "canaryModel": "admin",
    "shadowModel": "admin",
    "abortModel": "admin",
    "archiveModel": "admin",
}
"""Every operation that requires a key, and its scope, or the scopes of which it requires one."""


def without(names: set[str], operation: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in operation.items() if name not in names}


def test_the_openapi_document_declares_which_operations_require_a_key(
    stub: StubModelServer, file: Path, key: str
) -> None:
    assert key
    closed, opened = (
        operations(create_app(settings_for(stub.url, **groups))) for groups in ({"auth": {"keys_file": file}}, {})
    )
    for place, operation in closed.items():
        is_guarded = place[0].startswith("/api/") and place[0] != "/api/v1/vocabulary"
        scopes = SCOPE_OF_OPERATION.get(operation["operationId"], "")
        alternatives = [scopes] if isinstance(scopes, str) else scopes
        ways = [{scheme: [scope]} for scheme in ("bearer", "apiKey") for scope in alternatives]
        assert operation.get("security", []) == (ways if is_guarded else [])
        assert ({"401", "403"} <= operation["responses"].keys()) == is_guarded
        assert operation.get("x-scopes", []) == (list(alternatives) if is_guarded else [])
        # Without authentication, the only difference is that no key is required, and code samples send none.
        about_keys = {"security", "x-codeSamples"}
        assert without(about_keys, opened[place]) == without(about_keys, operation)


def test_the_openapi_document_describes_keys_exactly_if_they_are_required(
    stub: StubModelServer, file: Path, key: str
) -> None:
    assert key
    rates = {"rate_limit": {"requests": "100/second"}}
    documents = [create_app(settings_for(stub.url, **groups)).openapi() for groups in ({}, rates)]
    for document in documents:
        assert document["security"] == []
        assert "securitySchemes" not in document["components"]
    document = create_app(settings_for(stub.url, auth={"keys_file": file})).openapi()
    # Operations that say nothing need no key.
    assert document["security"] == []
    schemes = document["components"]["securitySchemes"]
    assert {(name, scheme["type"]) for name, scheme in schemes.items()} == {("bearer", "http"), ("apiKey", "apiKey")}
    assert schemes["apiKey"]["name"] == "X-API-Key"


def test_every_declared_scope_exists(api: TestClient) -> None:
    assert isinstance(api.app, FastAPI)
    scopes = [scope for one in operations(api.app).values() for scope in one.get("x-scopes", [])]
    assert set(scopes) == set(SCOPES)
