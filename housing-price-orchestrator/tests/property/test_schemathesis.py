"""Schemathesis makes requests from the OpenAPI document, good and bad, and holds every answer to it."""

from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from benchmarks.faults.valid_cases import Case, can_generate, keep_invalid, make_valid, operation_of
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode

from factories import settings_for
from housing_price_orchestrator.app import create_app, openapi_document
from servers import StubModelServer, finds, served
from waiting import wait_until

OPERATIONS = {
    operation.label: operation
    for result in schemathesis.openapi.from_dict(openapi_document()).get_all_operations()
    for operation in [operation_of(result)]
    # Any lines at all are in test_any_bytes.py.
    if can_generate(operation)
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = {"enabled": True, "url": f"sqlite:///{tmp_path_factory.mktemp('log') / 'log.db'}"}
    with StubModelServer() as stub, StubModelServer(finds()) as comparables_stub:
        comparables = {"base_url": comparables_stub.url}
        app = create_app(settings_for(stub.url, prediction_log=log, comparables=comparables))
        with served(app) as address:
            wait_until(lambda: httpx.get(f"{address}/api/v1/predictions").is_success, "the log cannot be asked")
            yield address


def test_both_kinds_of_pricing_are_tried() -> None:
    assert {"POST /api/v1/price/predict", "POST /api/v1/price/predict/batch"} <= OPERATIONS.keys()


@pytest.mark.parametrize(
    ("label", "mode"),
    [
        pytest.param(label, mode, id=f"{label}-{name}")
        for label, operation in OPERATIONS.items()
        for name, mode in (("good", GenerationMode.POSITIVE), ("bad", GenerationMode.NEGATIVE))
        # An operation without a body or parameters has no invalid requests.
        if "/api/" in label and (name == "good" or operation.body or operation.query or operation.path_parameters)
    ],
)
def test_every_answer_is_as_the_document_says(url: str, label: str, mode: GenerationMode) -> None:
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    @settings(max_examples=25, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def run(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            make_valid(case)
        else:
            assume(keep_invalid(case))
        case.call_and_validate(base_url=url)

    run()
