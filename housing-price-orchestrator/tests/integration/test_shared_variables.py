"""Variables that a cluster sets for all programs never stop this service while tracing is off."""

import sys

import pytest

from servers import Process, StubModelServer

GARBAGE = {
    "OTEL_TRACES_SAMPLER": "foo",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "xyz",
    "OTEL_EXPORTER_OTLP_HEADERS": "hunter2",
    "OTEL_BSP_SCHEDULE_DELAY": "abc",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "abc",
    "OTEL_RESOURCE_ATTRIBUTES": "garbage",
    "OTEL_SDK_DISABLED": "perhaps",
    "OTEL_PROPAGATORS": "b3multi",
    "OTEL_PYTHON_CONTEXT": "foo",
}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_invalid_values_are_warnings_in_the_log(workers: str) -> None:
    variables = GARBAGE | {"ORCHESTRATOR_PREDICTION_LOG__ENABLED": "false", "ORCHESTRATOR_SERVER__WORKERS": workers}
    with (
        StubModelServer() as stub,
        Process(
            *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
            **variables,
            ORCHESTRATOR_MODEL_SERVER__BASE_URL=stub.url,
        ) as process,
    ):
        process.says(r"Uvicorn running on")
        assert process.stop() == 0
        for name in GARBAGE:
            assert process.output.count(f"{name} is ignored: it must be ") == 1
        assert "hunter2" not in process.output
        assert "Traceback" not in process.output


def test_with_tracing_on_an_invalid_way_to_the_collector_ends_the_start_with_one_line() -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "xyz"}
    with Process(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0", **variables) as process:
        assert process.wait() == 2
        assert "OTEL_EXPORTER_OTLP_PROTOCOL: must be one of grpc, http/protobuf" in process.output
        assert "Traceback" not in process.output
