import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient

from factories import batch_bytes, house_bytes, houses_json, replace_services
from fakes import FakePriceModel
from housing_price_orchestrator.observability.background_output import BackgroundOutput
from housing_price_orchestrator.observability.logging import configure_logging
from housing_price_orchestrator.service.pricing import Pricing
from servers import SECRET, StubModelServer, says
from small_disk import SmallDisk
from waiting import wait_until

PREDICT = "/api/v1/price/predict"
PAYLOAD = "a-word-of-the-payload"

type Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def restore_logging() -> Iterator[None]:
    """Restore the process-wide logging configuration afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def lines(restore_logging: None, monkeypatch: pytest.MonkeyPatch) -> Lines:
    """The lines logged since the last call."""
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", written)
        configure_logging("orchestrator", level="info", style="json")
    # Not cached, so that module-level loggers do not keep this test's output.
    structlog.configure(cache_logger_on_first_use=False)

    def since_the_last_call() -> list[dict[str, Any]]:
        text = written.getvalue()
        written.seek(0)
        written.truncate()
        return [json.loads(line) for line in text.splitlines()]

    return since_the_last_call


@pytest.fixture
def api(lines: Lines, stub: StubModelServer, start_app: Callable[..., TestClient]) -> TestClient:
    """The application, created after logging was configured, as in the shipped program."""
    return start_app(stub.url)


def requests_in(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines() if line["event"] == "request"]


def test_a_request_is_one_line_of_json(api: TestClient, stub: StubModelServer, lines: Lines) -> None:
    lines()
    api.post(PREDICT, content=house_bytes(), headers={"x-request-id": "mine"})
    (line,) = requests_in(lines)
    assert line.pop("time").endswith("Z")
    assert 0 < line.pop("seconds") < 60
    for phase in ("validate", "queue", "model", "encode"):
        assert 0 < line.pop(phase) < 60
    (call_id,) = line.pop("call_ids")
    assert call_id == stub.calls[-1].headers["x-request-id"]
    assert line == {
        "service": "orchestrator",
        "event": "request",
        "level": "info",
        "request_id": "mine",
        "method": "POST",
        "path": PREDICT,
        "route": PREDICT,
        "status": 200,
        "rows": 1,
        "attempts": 1,
        "circuit": "closed",
        "model_id": "stub-1",
    }


def test_a_large_batch_logs_some_call_ids_and_the_number_of_calls(
    stub: StubModelServer, start_app: Callable[..., TestClient], lines: Lines
) -> None:
    api = start_app(stub.url, model_server={"max_rows_per_call": 1})
    lines()
    api.post(f"{PREDICT}/batch", content=batch_bytes(houses_json(25)))
    (line,) = requests_in(lines)
    assert (line["rows"], line["calls"], line["attempts"], len(line["call_ids"])) == (25, 25, 25, 20)


def test_a_stream_of_many_calls_is_one_line_with_its_last_call_ids(
    stub: StubModelServer, start_app: Callable[..., TestClient], lines: Lines
) -> None:
    api = start_app(stub.url, model_server={"max_rows_per_call": 1})
    lines()
    body = b"\n".join(house_bytes(id=number) for number in range(1, 31)) + b"\n{}\n"
    api.post(f"{PREDICT}/stream", content=body, headers={"content-type": "application/x-ndjson"})
    (line,) = requests_in(lines)
    assert (line["rows"], len(line["call_ids"]), line["refusal"]) == (30, 20, "invalid-document")
    assert line["model_id"] == "stub-1"


def test_health_checks_are_not_logged_at_info(api: TestClient, lines: Lines) -> None:
    lines()
    api.get("/livez")
    assert requests_in(lines) == []


def test_a_failed_readiness_check_is_no_error(
    stub: StubModelServer, start_app: Callable[..., TestClient], lines: Lines
) -> None:
    stub.behaviour = says(503, b"")
    api = start_app(stub.url)
    lines()
    assert api.get("/readyz").status_code == 503
    assert requests_in(lines) == []


def test_a_model_server_error_is_logged_by_name(api: TestClient, stub: StubModelServer, lines: Lines) -> None:
    stub.behaviour = says(500, SECRET.encode())
    lines()
    api.post(PREDICT, content=house_bytes())
    (line,) = requests_in(lines)
    assert line["level"] == "error"
    assert line["status"] == 502
    assert line["error"] == "ModelServerFailed: the model server answered 500"
    assert line["refusal"] == "model-server-failed"


def test_payloads_are_not_logged(api: TestClient, lines: Lines) -> None:
    api.post(PREDICT, content=house_bytes(street=PAYLOAD))
    api.post(PREDICT, content=PAYLOAD)
    api.post(PREDICT, content=house_bytes(), params={"secret": PAYLOAD})
    logged = requests_in(lines)
    assert len(logged) == 3
    assert PAYLOAD not in json.dumps(logged)


def test_an_unexpected_error_is_logged_with_its_traceback_and_without_local_variables(
    api: TestClient, lines: Lines
) -> None:
    replace_services(api, pricing=Pricing(FakePriceModel(error=RuntimeError("a defect"))))
    lines()
    # An id that appears nowhere else in the line.
    api.post(PREDICT, content=house_bytes(id=987_654_321_987))
    (line,) = requests_in(lines)
    assert line["status"] == 500
    (trace,) = line["exception"]
    assert (trace["exc_type"], trace["exc_value"]) == ("RuntimeError", "a defect")
    assert trace["frames"]
    assert not any(frame.get("locals") for frame in trace["frames"])
    assert "987654321987" not in json.dumps(line)


def test_log_events_of_libraries_are_json_as_well(lines: Lines) -> None:
    logging.getLogger("some.library").warning("took %s s", 3)
    (line,) = lines()
    assert (line["event"], line["level"]) == ("took 3 s", "warning")


def test_a_line_break_in_an_event_cannot_forge_a_line(lines: Lines) -> None:
    structlog.get_logger().info('x\n{"event":"request"}', more={1: b"\xff", "obj": object()})
    logging.getLogger("some.library").warning('y\n{"event":"request"}')
    assert [line["event"][0] for line in lines()] == ["x", "y"]


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_events_below_the_level_are_not_written(
    restore_logging: None, capsys: pytest.CaptureFixture[str], level: str, shown: int
) -> None:
    configure_logging("orchestrator", level=level, style="json")
    log = structlog.get_logger()
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)(name)
    assert len(capsys.readouterr().out.splitlines()) == shown


def test_console_format_is_readable_text(restore_logging: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("orchestrator", level="info", style="console")
    structlog.get_logger().info("hello", price=1)
    line = capsys.readouterr().out
    assert "hello" in line
    assert not line.startswith("{")


def test_an_unexpected_error_on_the_console_shows_no_local_variables(
    restore_logging: None,
    capsys: pytest.CaptureFixture[str],
    stub: StubModelServer,
    start_app: Callable[..., TestClient],
) -> None:
    configure_logging("orchestrator", level="info", style="console")
    structlog.configure(cache_logger_on_first_use=False)
    api = start_app(stub.url)
    replace_services(api, pricing=Pricing(FakePriceModel(error=RuntimeError("a defect"))))
    # An id that appears nowhere else in the text.
    api.post(PREDICT, content=house_bytes(id=987_654_321_987))
    written = capsys.readouterr().out
    assert "RuntimeError: a defect" in written
    assert "987654321987" not in written


def test_each_event_is_one_write_so_that_threads_do_not_mix(
    restore_logging: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pieces(io.StringIO):
        def write(self, text: str) -> int:
            pieces.append(text)
            return len(text)

    pieces: list[str] = []
    monkeypatch.setattr(sys, "stdout", Pieces())
    configure_logging("orchestrator", level="info", style="json")
    structlog.get_logger().info("ours")
    logging.getLogger("somebody").warning("theirs")
    assert [json.loads(piece)["event"] for piece in pieces] == ["ours", "theirs"]
    assert all(piece.endswith("\n") for piece in pieces)


@pytest.mark.parametrize("in_background", [False, True])
@pytest.mark.usefixtures("restore_logging")
def test_a_full_disk_under_the_log_costs_only_lines(
    small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch, in_background: bool
) -> None:
    path = small_disk.folder / "log"
    with path.open("w") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", file)
        configure_logging("orchestrator", level="info", style="json", in_background=in_background)
        structlog.configure(cache_logger_on_first_use=False)
        log = structlog.get_logger()
        small_disk.fill()
        # More than the rest of the last block of the file.
        for number in range(1_000):
            log.info("lost", number=number)
            logging.getLogger("library").warning("lost %d", number)
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        stream = handler.stream
        if isinstance(stream, BackgroundOutput):
            wait_until(lambda: not stream._queue, "nothing was tried")
            # The thread takes this one only after it has tried the others.
            log.info("lost")
            wait_until(lambda: not stream._queue, "nothing was tried")
        small_disk.free()

        def is_back() -> bool:
            log.info("back")
            return '"back"' in path.read_text()

        wait_until(is_back, "the log did not come back")
    report = next(json.loads(line) for line in path.read_text().splitlines() if '"log lines lost"' in line)
    assert report["reason"] == "No space left on device"
    assert 0 < report["lost"] <= 2_002


EVIL = "\x1b]0;owned\x07\x9b2J\u202e\r"
ESCAPED = r"\x1b]0;owned\x07\x9b2J\u202e\r"


@pytest.mark.parametrize("style", ["console", "json"])
def test_control_characters_and_passwords_never_reach_the_log(
    restore_logging: None, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    del restore_logging
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", written)
        configure_logging("orchestrator", level="info", style=style)
    structlog.configure(cache_logger_on_first_use=False)
    log = structlog.get_logger()
    log.info(EVIL, text=EVIL, nested=[EVIL], url="http://me:secret@host", error=ValueError(EVIL))
    logging.getLogger("library").error("%s at %s", EVIL, "postgresql://me:secret@host/x")
    log.error("failed", exc_info=ValueError(f"{EVIL} redis://:secret@host"))
    text = written.getvalue()
    assert not {"\x07", "\x9b", "\u202e", "\r"} & set(text)
    assert "\x1b]" not in text
    assert "secret" not in text
    assert text.count("me:***@host") == 2
    if style == "console":
        assert text.count(ESCAPED) >= 4
    else:
        events = [json.loads(line) for line in text.splitlines()]
        assert (events[0]["event"], events[0]["text"], events[0]["nested"]) == (EVIL, EVIL, [EVIL])
