"""Corking: the head of a response is sent together with the start of its body, and is never held back for long."""

import asyncio
from collections.abc import Callable

import pytest

from housing_price_orchestrator.server.corked_transport import MAX_JOINED_BYTES, CorkedTransport


class RecordingTransport(asyncio.Transport):
    """Records the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data))

    def write_eof(self) -> None:
        self.calls.append("eof")

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")


@pytest.fixture
def inner() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def transport(inner: RecordingTransport) -> CorkedTransport:
    return CorkedTransport(inner)


def test_head_and_body_are_sent_in_one_write(inner: RecordingTransport, transport: CorkedTransport) -> None:
    transport.cork()
    transport.write(b"head ")
    assert inner.calls == []
    transport.write(b"body")
    transport.write(b"more")
    assert inner.calls == [b"head body", b"more"]


def test_a_large_body_is_not_copied(inner: RecordingTransport, transport: CorkedTransport) -> None:
    body = bytes(MAX_JOINED_BYTES + 1)
    transport.cork()
    transport.write(b"head")
    transport.write(body)
    assert inner.calls == [b"head", body]


def test_without_cork_data_is_sent_at_once(inner: RecordingTransport, transport: CorkedTransport) -> None:
    transport.write(b"100 Continue")
    assert inner.calls == [b"100 Continue"]


def test_an_empty_body_sends_the_head(inner: RecordingTransport, transport: CorkedTransport) -> None:
    transport.cork()
    transport.write(b"head")
    transport.write(b"")
    assert inner.calls == [b"head"]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (CorkedTransport.uncork, []),
        (CorkedTransport.write_eof, ["eof"]),
        (CorkedTransport.close, ["close"]),
    ],
)
def test_a_head_without_a_body_is_sent_before_the_connection_ends(
    inner: RecordingTransport,
    transport: CorkedTransport,
    end: Callable[[CorkedTransport], None],
    expected: list[str],
) -> None:
    transport.cork()
    transport.write(b"head")
    end(transport)
    assert inner.calls == [b"head", *expected]


def test_data_written_after_uncork_is_not_held_back(inner: RecordingTransport, transport: CorkedTransport) -> None:
    transport.cork()
    transport.uncork()
    transport.write(b"refusal")
    assert inner.calls == [b"refusal"]


def test_an_aborted_connection_sends_nothing_more(inner: RecordingTransport, transport: CorkedTransport) -> None:
    transport.cork()
    transport.write(b"head")
    transport.abort()
    transport.uncork()
    assert inner.calls == ["abort"]
