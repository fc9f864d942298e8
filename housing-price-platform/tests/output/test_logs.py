"""Log lines: their shape, for events of our own and for those of libraries."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from housing_price_platform.output.logs import configure_logging


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_events_of_ours_and_of_libraries_have_one_shape() -> None:
    stream = io.StringIO()
    configure_logging("a-service", stream=stream)
    structlog.get_logger().info("step completed", job="a", step="train")
    logging.getLogger("library").warning("not %s", "now")
    ours, theirs = events(stream)
    assert ours.pop("time").endswith("Z")
    assert theirs.pop("time").endswith("Z")
    assert ours == {"service": "a-service", "event": "step completed", "level": "info", "job": "a", "step": "train"}
    assert theirs == {"service": "a-service", "event": "not now", "level": "warning", "logger": "library"}


def test_less_severe_events_and_those_of_quiet_libraries_are_not_logged() -> None:
    stream = io.StringIO()
    configure_logging("a-service", stream=stream, quiet=("chatty",))
    structlog.get_logger().debug("detail")
    logging.getLogger("library").debug("detail")
    logging.getLogger("chatty").info("detail")
    logging.getLogger("chatty").warning("cause")
    assert [event["event"] for event in events(stream)] == ["cause"]


def test_library_with_a_handler_of_its_own_logs_through_ours() -> None:
    stream, own = io.StringIO(), io.StringIO()
    library = logging.getLogger("self-made")
    library.addHandler(logging.StreamHandler(own))
    library.propagate = False
    configure_logging("a-service", stream=stream, adopted=("self-made",))
    library.error("lost")
    assert ([event["event"] for event in events(stream)], own.getvalue()) == (["lost"], "")


def test_exceptions_are_logged_without_local_variables() -> None:
    stream = io.StringIO()
    configure_logging("a-service", stream=stream)
    secret = "8450"  # noqa: S105 - stands for a value of a caller
    try:
        int(f"{len(secret)} rooms")
    except ValueError:
        structlog.get_logger().exception("failed")
    (event,) = events(stream)
    assert event["level"] == "error"
    assert event["exception"][0]["exc_type"] == "ValueError"
    assert secret not in stream.getvalue()


def test_warnings_are_events() -> None:
    stream = io.StringIO()
    configure_logging("a-service", stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("soon gone", stacklevel=1)
    (event,) = events(stream)
    assert (event["level"], event["logger"]) == ("warning", "py.warnings")


def test_console_style_is_for_people() -> None:
    stream = io.StringIO()
    configure_logging("a-service", stream=stream, style="console")
    structlog.get_logger().info("step completed", step="train")
    assert "step completed" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        events(stream)


EVIL = "\x1b]0;owned\x07\x9b2J\u202e\r"


@pytest.mark.parametrize("style", ["console", "json"])
def test_control_characters_and_passwords_never_reach_the_log(style: str) -> None:
    stream = io.StringIO()
    configure_logging("a-service", stream=stream, style=style)
    structlog.get_logger().info(EVIL, text=EVIL, nested=[EVIL], url="http://me:secret@host")
    logging.getLogger("library").error("%s at %s", EVIL, "postgresql://me:secret@host/x")
    structlog.get_logger().error("failed", exc_info=ValueError(f"{EVIL} redis://:secret@host"))
    text = stream.getvalue()
    assert not {"\x07", "\x9b", "\u202e", "\r"} & set(text)
    assert "\x1b]" not in text
    assert "secret" not in text
    assert text.count("me:***@host") == 2
