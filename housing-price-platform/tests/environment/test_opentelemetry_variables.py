import subprocess
import sys

import pytest

from housing_price_platform.environment.opentelemetry_variables import find_invalid, ignore_invalid, is_tracing

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ON = {ENDPOINT: "http://127.0.0.1:4318"}

INVALID = {
    "OTEL_TRACES_SAMPLER": ["foo", "xray", "parentbased"],
    "OTEL_TRACES_SAMPLER_ARG": ["abc", "2", "-0.1", "nan", "endpoint=http://x"],
    "OTEL_EXPORTER_OTLP_PROTOCOL": ["xyz", "http/json", "http"],
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": ["xyz"],
    "OTEL_EXPORTER_OTLP_TIMEOUT": ["abc", "0", "-1", "inf", "10s"],
    "OTEL_EXPORTER_OTLP_COMPRESSION": ["zstd", "yes"],
    "OTEL_EXPORTER_OTLP_HEADERS": ["hunter2", "=x", "a=1,hunter2"],
    "OTEL_EXPORTER_OTLP_INSECURE": ["maybe"],
    "OTEL_EXPORTER_OTLP_CERTIFICATE": ["/nowhere/ca.pem"],
    ENDPOINT: ["collector:4318", "ftp://collector", "http://", "http://collector:port", "http://[", "x y"],
    "OTEL_BSP_SCHEDULE_DELAY": ["abc", "0", "-5", "1.5"],
    "OTEL_BSP_EXPORT_TIMEOUT": ["abc"],
    "OTEL_BSP_MAX_QUEUE_SIZE": ["abc", "0", "100", "9" * 30],
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": ["abc", "0", "4096"],
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ["abc", "-1"],
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ["1e3"],
    "OTEL_RESOURCE_ATTRIBUTES": ["garbage", "a=b,garbage"],
    "OTEL_SDK_DISABLED": ["maybe", "1", "yes"],
    "OTEL_PROPAGATORS": ["foo", "tracecontext,b3multi"],
    "OTEL_PYTHON_CONTEXT": ["foo"],
    "OTEL_PYTHON_TRACER_PROVIDER": ["foo"],
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": ["foo"],
}
VALID = {
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.25",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "10",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x,x-tenant=a=b,",
    "OTEL_BSP_SCHEDULE_DELAY": "1000",
    "OTEL_BSP_MAX_QUEUE_SIZE": "100",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0",
    "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop,k8s.pod.name=a-b,deployment/kind=x%2Cy",
    "OTEL_SDK_DISABLED": "FALSE",
    "OTEL_PROPAGATORS": "tracecontext,baggage",
    "OTEL_PYTHON_CONTEXT": "contextvars_context",
    "OTEL_JAVAAGENT_ENABLED": "whatever",
}
CASES = [(name, value) for name, values in INVALID.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_an_invalid_value_is_removed_with_a_warning_that_does_not_show_it(name: str, value: str) -> None:
    environment = {name: value, "PATH": "/bin"}
    (warning,) = ignore_invalid(environment)
    assert environment == {"PATH": "/bin"}
    assert warning.startswith(f"{name} is ignored: it must be ")
    assert "hunter2" not in warning


def test_valid_and_empty_values_cause_no_warning() -> None:
    environment = VALID | {"OTEL_PROPAGATORS": "", "OTEL_BSP_SCHEDULE_DELAY": " ", "OTEL_TRACES_EXPORTER": ""}
    assert ignore_invalid(environment) == []
    assert environment == {name: VALID[name] for name in VALID.keys() - {"OTEL_PROPAGATORS", "OTEL_BSP_SCHEDULE_DELAY"}}


@pytest.mark.parametrize(
    ("changes", "is_on"),
    [
        ({}, True),
        ({"OTEL_SDK_DISABLED": "True "}, False),
        ({"OTEL_SDK_DISABLED": "no"}, True),
        ({"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, False),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, True),
        ({ENDPOINT: ""}, False),
        ({ENDPOINT: "", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
    ],
)
def test_tracing_is_on_with_a_collector_unless_it_is_turned_off(changes: dict[str, str], is_on: bool) -> None:
    environment = ON | changes
    assert is_tracing(environment) == is_on
    ignore_invalid(environment)
    assert is_tracing(environment) == is_on


@pytest.mark.parametrize("value", ["zipkin", "console,otlp", "otlp,foo", "foo"])
def test_unknown_exporters_are_ignored(value: str) -> None:
    environment = {"OTEL_TRACES_EXPORTER": value}
    (warning,) = ignore_invalid(environment)
    assert warning.startswith("OTEL_TRACES_EXPORTER: ")
    assert environment == {"OTEL_TRACES_EXPORTER": "otlp" if "otlp" in value else "none"}


def test_the_way_to_the_collector_is_kept_for_an_error_while_tracing_is_on() -> None:
    environment = ON | {"OTEL_EXPORTER_OTLP_PROTOCOL": "xyz", "OTEL_TRACES_SAMPLER": "foo"}
    assert [one.split()[0] for one in ignore_invalid(environment, with_transport=False)] == ["OTEL_TRACES_SAMPLER"]
    assert set(find_invalid(environment)) == {"OTEL_EXPORTER_OTLP_PROTOCOL"}
    off = environment | {"OTEL_SDK_DISABLED": "true"}
    assert len(ignore_invalid(off, with_transport=False)) == 1


@pytest.mark.parametrize("endpoint", ["collector:4317", "[::1]:4317", "http://collector:4317"])
def test_grpc_also_understands_endpoints_without_a_scheme(endpoint: str) -> None:
    environment = {ENDPOINT: endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert ignore_invalid(environment) == []


def test_what_is_left_can_be_imported_and_used() -> None:
    names = {name: values[0] for name, values in INVALID.items()}
    ignore_invalid(names)
    assert names == {}
    script = (
        "import os\n"
        f"os.environ |= { ({name: values[0] for name, values in INVALID.items()} | {ENDPOINT: 'http://127.0.0.1:1'})!r}\n"
        "from housing_price_platform.environment.opentelemetry_variables import ignore_invalid\n"
        "print(len(ignore_invalid(os.environ)))\n"
        "import opentelemetry.propagate, opentelemetry.trace\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import BatchSpanProcessor\n"
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter\n"
        "provider = TracerProvider(shutdown_on_exit=False)\n"
        "provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{len(INVALID) - 1}\n", "")
