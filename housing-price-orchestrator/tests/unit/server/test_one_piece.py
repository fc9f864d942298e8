"""The head of an answer goes out together with the first of its body, and is never kept for long."""

import asyncio
from collections.abc import Callable

import pytest

from housing_price_orchestrator.server.one_piece import MOST_BYTES_JOINED, OnePieceTransport


class RecordingTransport(asyncio.Transport):
    """Remembers what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.told.append(bytes(data))

    def write_eof(self) -> None:
        self.told.append("eof")

    def close(self) -> None:
        self.told.append("close")

    def abort(self) -> None:
        self.told.append("abort")


@pytest.fixture
def below() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def transport(below: RecordingTransport) -> OnePieceTransport:
    return OnePieceTransport(below)


def test_head_and_body_are_one_piece(below: RecordingTransport, transport: OnePieceTransport) -> None:
    transport.begin_answer()
    transport.write(b"head ")
    assert below.told == []
    transport.write(b"body")
    transport.write(b"more")
    assert below.told == [b"head body", b"more"]


def test_a_large_body_is_not_copied_for_it(below: RecordingTransport, transport: OnePieceTransport) -> None:
    body = bytes(MOST_BYTES_JOINED + 1)
    transport.begin_answer()
    transport.write(b"head")
    transport.write(body)
    assert below.told == [b"head", body]


def test_what_is_no_answer_goes_out_at_once(below: RecordingTransport, transport: OnePieceTransport) -> None:
    transport.write(b"100 Continue")
    assert below.told == [b"100 Continue"]


def test_an_empty_body_sends_the_head(below: RecordingTransport, transport: OnePieceTransport) -> None:
    transport.begin_answer()
    transport.write(b"head")
    transport.write(b"")
    assert below.told == [b"head"]


@pytest.mark.parametrize(
    ("end", "then"),
    [
        (OnePieceTransport.send_head, []),
        (OnePieceTransport.write_eof, ["eof"]),
        (OnePieceTransport.close, ["close"]),
    ],
)
def test_a_head_without_a_body_goes_out_before_the_end(
    below: RecordingTransport, transport: OnePieceTransport, end: Callable[[OnePieceTransport], None], then: list[str]
) -> None:
    transport.begin_answer()
    transport.write(b"head")
    end(transport)
    assert below.told == [b"head", *then]


def test_what_is_written_after_a_head_was_sent_is_not_kept(
    below: RecordingTransport, transport: OnePieceTransport
) -> None:
    transport.begin_answer()
    transport.send_head()
    transport.write(b"refusal")
    assert below.told == [b"refusal"]


def test_an_aborted_connection_sends_nothing_more(below: RecordingTransport, transport: OnePieceTransport) -> None:
    transport.begin_answer()
    transport.write(b"head")
    transport.abort()
    transport.send_head()
    assert below.told == ["abort"]
