"""One trace from the caller to the model server, through a real collector."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient

from collector import CollectedSpan, Collector, GrpcCollector
from conftest import StartApp
from factories import client_of, house_bytes, house_json, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.observability import tracing
from housing_price_orchestrator.provider.tracing import TracedCalls, TracedTransport
from rpc_client import is_priced, rpc_client_of
from servers import Call, StubModelServer, coalescing_of, predicts, says, served

PREDICT = "/api/v1/price/predict"
VALUATION = "/api/v1/valuation?include="
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    # Milliseconds. The SDK's default of 5 s would slow down every test.
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with Collector() as collector:
        yield collector


@pytest.fixture
def traced(stub: StubModelServer, collector: Collector, start_app: StartApp) -> TestClient:
    return start_app(stub.url, tracing={"exporter_otlp_endpoint": collector.url})


def named(spans: list[CollectedSpan], name: str) -> list[CollectedSpan]:
    return [span for span in spans if span.name == name]


def traceparent_of(call: Call) -> list[str]:
    return call.headers["traceparent"].split("-")


@pytest.mark.parametrize(
    ("path", "body"), [(PREDICT, house_bytes()), (f"{PREDICT}/batch", b'{"data":[' + house_bytes() + b"]}")]
)
def test_one_trace_leads_from_the_caller_to_the_model_server(
    traced: TestClient, stub: StubModelServer, collector: Collector, path: str, body: bytes
) -> None:
    traced.post(path, content=body, headers={"traceparent": TRACEPARENT, "x-request-id": "mine"})
    spans = collector.wait_for(lambda spans: bool(named(spans, f"POST {path}")))
    (request,), (call,), (attempt,) = named(spans, f"POST {path}"), named(spans, "coalesced call"), named(spans, "POST")
    assert {span.trace_id for span in (request, call, attempt)} == {TRACE}
    assert (request.parent_id, call.parent_id, attempt.parent_id) == (CALLER, request.span_id, call.span_id)
    sent = stub.calls[-1]
    assert traceparent_of(sent) == ["00", TRACE, attempt.span_id, "01"]
    assert {span.service for span in spans} == {"housing-price-orchestrator"}
    assert collector.paths == {"/v1/traces"}
    assert request.attributes["housing_price.request_id"] == "mine"
    assert request.attributes["housing_price.rows"] == 1
    assert request.attributes["http.response.status_code"] == 200
    assert call.attributes["housing_price.call_id"] == sent.headers["x-request-id"]
    assert attempt.attributes["http.response.status_code"] == 200
    assert not any(span.is_error for span in spans)


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_traces_are_sent_over_grpc(
    stub: StubModelServer, start_app: StartApp, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_INSECURE", "true")  # for an endpoint without a scheme
    with GrpcCollector() as collector:
        endpoint = f"{scheme}{collector.address}"
        api = start_app(stub.url, tracing={"exporter_otlp_endpoint": endpoint, "exporter_otlp_protocol": "grpc"})
        api.post(PREDICT, content=house_bytes(), headers={"traceparent": TRACEPARENT})
        spans = collector.wait_for(lambda spans: bool(named(spans, f"POST {PREDICT}")))
    assert {span.trace_id for span in spans} == {TRACE}
    assert {span.service for span in spans} == {"housing-price-orchestrator"}


def test_a_stream_is_traced(traced: TestClient, stub: StubModelServer, collector: Collector) -> None:
    path = f"{PREDICT}/stream"
    headers = {"traceparent": TRACEPARENT, "content-type": "application/x-ndjson"}
    traced.post(path, content=house_bytes(), headers=headers)
    spans = collector.wait_for(lambda spans: bool(named(spans, f"POST {path}")))
    assert named(spans, f"POST {path}")[0].parent_id == CALLER
    assert traceparent_of(stub.calls[-1])[1] == TRACE


def test_a_trace_leads_from_a_call_over_grpc_to_the_model_server(
    stub: StubModelServer, collector: Collector, start_app: StartApp
) -> None:
    api = start_app(stub.url, tracing={"exporter_otlp_endpoint": collector.url}, grpc={"port": 0})
    name = "housing.price.v1.PriceService/Predict"
    with rpc_client_of(api) as rpc:
        assert is_priced(rpc.predict(house_json(), metadata=[("traceparent", TRACEPARENT), ("x-request-id", "mine")]))
        stub.goes_away()
        rpc.predict(house_json(lotArea=7_000))
        stub.comes_back()
    spans = collector.wait_for(lambda spans: len(named(spans, name)) == 2)
    traced, failed = sorted(named(spans, name), key=lambda span: span.is_error)
    (call,) = [span for span in named(spans, "coalesced call") if span.trace_id == TRACE]
    assert (traced.trace_id, traced.parent_id, call.parent_id) == (TRACE, CALLER, traced.span_id)
    assert traced.attributes["housing_price.request_id"] == "mine"
    assert (traced.attributes["rpc.method"], traced.attributes["rpc.grpc.status_code"]) == ("Predict", 0)
    assert (failed.is_error, failed.attributes["rpc.grpc.status_code"]) == (True, 14)


def test_a_coalesced_call_is_linked_to_each_of_its_requests(collector: Collector) -> None:
    first_is_held, let_go = threading.Event(), threading.Event()

    async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
        # Readiness probes are not traced. While the first traced call runs, the other requests wait for the next call.
        if "traceparent" in call.headers and not first_is_held.is_set():
            first_is_held.set()
            while not let_go.is_set():
                await asyncio.sleep(0.005)
        await predicts()(call, writer)

    async def ask_together(url: str, app_waiting: Callable[[], int]) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client, asyncio.timeout(30):

            async def ask(number: int) -> None:
                trace = f"{number:032x}"
                headers = {"traceparent": f"00-{trace}-{CALLER}-01"}
                assert (await client.post(PREDICT, content=house_bytes(), headers=headers)).status_code == 200

            asking = [asyncio.create_task(ask(1))]
            while not first_is_held.is_set():
                await asyncio.sleep(0.005)
            asking += [asyncio.create_task(ask(number)) for number in range(2, 7)]
            while app_waiting() < 5:
                await asyncio.sleep(0.005)
            let_go.set()
            await asyncio.gather(*asking)

    with StubModelServer(behave) as stub:
        app = create_app(
            settings_for(stub.url, model_server={"max_calls": 1}, tracing={"exporter_otlp_endpoint": collector.url})
        )
        with served(app) as url:
            asyncio.run(ask_together(url, lambda: coalescing_of(app).waiting))
    spans = collector.wait_for(lambda spans: len(named(spans, f"POST {PREDICT}")) == 6)
    (call,) = [span for span in named(spans, "coalesced call") if span.attributes["housing_price.requests"] == 5]
    carried = {(span.trace_id, span.span_id) for span in named(spans, f"POST {PREDICT}") if int(span.trace_id, 16) > 1}
    assert {(call.trace_id, call.parent_id), *call.links} == carried
    assert len(call.links) == 4
    for span in named(spans, f"POST {PREDICT}"):
        is_linked = (call.trace_id, call.span_id) in span.links
        assert is_linked == ((span.trace_id, span.span_id) in call.links)


def test_each_span_records_the_type_of_a_failure_but_not_its_message(
    traced: TestClient, stub: StubModelServer, collector: Collector
) -> None:
    stub.behaviour = says(500, b"UPSTREAM-SECRET")
    traced.post(PREDICT, content=house_bytes(), headers={"traceparent": TRACEPARENT})
    spans = collector.wait_for(lambda spans: bool(named(spans, f"POST {PREDICT}")))
    assert [span.is_error for span in spans] == [True] * 3
    kinds = {span.name: span.attributes["error.type"] for span in spans}
    assert kinds == {f"POST {PREDICT}": "502", "coalesced call": "ModelServerFailed", "POST": "500"}
    assert "SECRET" not in str(spans)


def test_one_trace_leads_from_a_valuation_to_both_models(
    stub: StubModelServer, comparables_stub: StubModelServer, collector: Collector, start_app: StartApp
) -> None:
    addresses = {"base_url": comparables_stub.url}
    api = start_app(stub.url, comparables=addresses, tracing={"exporter_otlp_endpoint": collector.url})
    answer = api.post(VALUATION, content=house_bytes(), headers={"traceparent": TRACEPARENT})
    assert answer.json()["problems"] == []
    spans = collector.wait_for(lambda spans: bool(named(spans, "POST /api/v1/valuation")))
    calls = named(spans, "coalesced call")
    assert {call.attributes["housing_price.model"] for call in calls} == {"price", "comparables"}
    assert {call.trace_id for call in calls} == {TRACE}
    for call in calls:
        asked = {"price": stub, "comparables": comparables_stub}[str(call.attributes["housing_price.model"])]
        ids = {one.headers["x-request-id"] for one in asked.calls}
        assert call.attributes["housing_price.call_id"] in ids


def test_a_callers_baggage_is_not_forwarded(traced: TestClient, stub: StubModelServer) -> None:
    traced.post(PREDICT, content=house_bytes(), headers={"traceparent": TRACEPARENT, "baggage": "user=mine"})
    assert "baggage" not in stub.calls[-1].headers


def test_health_metrics_and_readiness_are_not_traced(traced: TestClient, collector: Collector) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        traced.get(path)
    traced.get("/")
    collector.wait_for(bool)
    assert [span.name for span in collector.spans] == ["GET /"]


def test_without_a_collector_nothing_is_traced(api: TestClient, stub: StubModelServer) -> None:
    api.post(PREDICT, content=house_bytes(), headers={"traceparent": TRACEPARENT})
    assert "traceparent" not in stub.calls[-1].headers


@pytest.mark.parametrize("is_on", [False, True])
def test_no_tracing_wrapper_is_installed_while_tracing_is_off(
    stub: StubModelServer, collector: Collector, start_app: StartApp, monkeypatch: pytest.MonkeyPatch, *, is_on: bool
) -> None:
    made: list[type] = []
    for wrapper in (TracedCalls, TracedTransport):
        monkeypatch.setattr(wrapper, "__init__", _noting(wrapper.__init__, made))
    tracing = {"exporter_otlp_endpoint": collector.url} if is_on else {}
    api = start_app(stub.url, tracing=tracing)
    assert api.post(PREDICT, content=house_bytes()).status_code == 200
    assert set(made) == ({TracedCalls, TracedTransport} if is_on else set())


def _noting(begin: Callable[..., None], made: list[type]) -> Callable[..., None]:
    """Create the wrapper and record its class."""

    def noted(self: object, *arguments: object) -> None:
        made.append(type(self))
        begin(self, *arguments)

    return noted


@pytest.mark.parametrize("changes", [{"sdk_disabled": True}, {"traces_exporter": "none"}])
def test_the_standard_opentelemetry_variables_disable_tracing(
    stub: StubModelServer, collector: Collector, start_app: StartApp, changes: dict[str, object]
) -> None:
    api = start_app(stub.url, tracing={"exporter_otlp_endpoint": collector.url, **changes})
    api.post(PREDICT, content=house_bytes(), headers={"traceparent": TRACEPARENT})
    assert "traceparent" not in stub.calls[-1].headers


def test_an_unavailable_collector_fails_no_request_and_does_not_delay_shutdown(
    stub: StubModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "_FLUSH_SECONDS", 0.05)
    settings = settings_for(stub.url, tracing={"exporter_otlp_endpoint": "http://127.0.0.1:9"})
    with client_of(create_app(settings)) as api:
        assert api.post(PREDICT, content=house_bytes()).status_code == 200
