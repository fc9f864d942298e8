"""Clients that keep the server waiting are given up; limits are low here so that this takes no time."""

import dataclasses
import time
from collections.abc import Iterator

import pytest

from factories import batch_bytes, house_bytes, houses_json, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.documents.limits import ConnectionLimits
from servers import StubModelServer, served
from wire import answers_in, asked, connected, head, one_answer, post, until_closed

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
STREAM = "/api/v1/price/predict/stream"

LIMITS = ConnectionLimits(client_seconds=0.5, keep_alive_seconds=1, delayed_close_seconds=0.2, head_bytes=16_384)
LAST = {"connection": "close"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with StubModelServer() as stub:
        app = create_app(settings_for(stub.url, requests={"max_body_seconds": 0.5, "stream_idle_seconds": 0.5}))
        with served(app, LIMITS) as address:
            yield address


def test_an_idle_connection_is_closed(url: str) -> None:
    assert asked(url) == []


@pytest.mark.parametrize("sent", [b"G", b"GET /livez HTTP/1.1\r\nhost: he", b"\r\n"])
def test_half_a_head_is_answered_with_408_or_closed(url: str, sent: bytes) -> None:
    answers = asked(url, sent)
    assert [answer.problem for answer in answers] in ([], ["head-too-slow"])
    assert bool(answers) == bool(sent.strip())


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(url: str) -> None:
    with connected(url) as connection:
        connection.settimeout(0.01)
        received = b""
        for byte in b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 5_000:
            connection.sendall(bytes([byte]))
            try:
                received = connection.recv(65_536)
            except TimeoutError:
                continue
            break
    assert received.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("path", [PREDICT, BATCH])
@pytest.mark.parametrize("sent", [0, 100])
def test_half_a_body_is_answered_with_408_and_closed(url: str, path: str, sent: int) -> None:
    body = house_bytes()
    (answer,) = asked(url, post(path, body)[: -len(body)] + body[:sent])
    assert (answer.status, answer.problem) == (408, "document-too-slow")
    assert answer.headers["connection"] == "close"


def test_half_a_body_that_nobody_reads_is_not_waited_for(url: str) -> None:
    (answer,) = asked(url, head("GET", "/livez", content_length=10) + b"123")
    assert answer.status == 200


def test_a_stream_that_falls_silent_is_closed(url: str) -> None:
    with connected(url) as connection:
        connection.sendall(head("POST", STREAM, content_type="application/x-ndjson", transfer_encoding="chunked"))
        stream = until_closed(connection)
    assert stream.startswith(b"HTTP/1.1 200 ")
    assert not stream.endswith(b"0\r\n\r\n"), "a stream that was cut off must not look like one that came to its end"


def test_a_connection_is_kept_for_the_next_request_and_then_closed(url: str) -> None:
    with connected(url) as connection:
        for _ in range(3):
            connection.sendall(head("GET", "/livez"))
            assert one_answer(connection).status == 200
        assert until_closed(connection) == b""


def test_half_a_second_head_is_given_up_as_well(url: str) -> None:
    answers = asked(url, head("GET", "/livez") + b"GET /livez HTT")
    assert [answer.status for answer in answers][:1] == [200]
    assert [answer.status for answer in answers][1:] in ([], [408])


@pytest.mark.parametrize("count", [20, 400])
def test_a_client_that_does_not_take_its_answers_is_closed(url: str, count: int) -> None:
    # Far more than fits into the buffers between the two, none of which is ever read.
    requests = head("GET", "/openapi.json") * count
    with connected(url, receive_buffer_bytes=4_096) as connection:

        def send_without_end() -> None:
            while True:
                connection.sendall(requests)
                time.sleep(0.01)

        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_without_end()


def test_an_answer_that_is_taken_slowly_comes_whole(url: str) -> None:
    with connected(url, receive_buffer_bytes=4_096) as connection:
        connection.sendall(head("GET", "/docs/assets/redoc.standalone.js", **LAST))
        received = b""
        while part := connection.recv(65_536):
            received += part
            # Longer than the limit in all, and never as long without taking anything.
            time.sleep(0.002)
    (answer,) = answers_in(received)
    assert answer.status == 200


@pytest.mark.parametrize("sizes", [[200_000], [100, 200_000], [10_000] * 20])
def test_a_head_that_is_too_large_is_refused(url: str, sizes: list[int]) -> None:
    lines = "".join(f"x-{number}: {'a' * size}\r\n" for number, size in enumerate(sizes))
    (answer,) = asked(url, b"GET /livez HTTP/1.1\r\nhost: localhost\r\n" + lines.encode() + b"\r\n")
    assert (answer.status, answer.problem) == (431, "head-too-large")
    assert answer.json["limitBytes"] == LIMITS.head_bytes


def test_a_path_that_is_too_long_is_refused(url: str) -> None:
    (answer,) = asked(url, head("GET", "/" + "a" * 200_000))
    assert answer.status == 431


def test_a_large_head_that_never_ends_is_refused(url: str) -> None:
    with connected(url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ")
        try:
            for _ in range(1_000):
                connection.sendall(b"a" * 100_000)
        except OSError:
            return  # it was closed while we were sending
        (answer,) = answers_in(until_closed(connection))
    assert answer.status in {408, 431}


def test_trailers_without_end_are_refused(url: str) -> None:
    begun = head("POST", PREDICT, content_type="application/json", transfer_encoding="chunked") + b"2\r\n{}\r\n0\r\n"
    trailers = [b"x-trailer: " + b"a" * 10_000 + b"\r\n"] * 20
    (answer,) = asked(url, begun, *trailers)
    assert answer.status in {400, 408}


def test_a_body_in_chunks_of_one_byte_is_read(url: str) -> None:
    body = house_bytes()
    begun = head("POST", PREDICT, content_type="application/json", transfer_encoding="chunked", **LAST)
    chunks = b"".join(b"1\r\n%b\r\n" % body[at : at + 1] for at in range(len(body)))
    (answer,) = asked(url, begun, chunks[:1_000], chunks[1_000:] + b"0\r\n\r\n")
    assert answer.status == 200


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/livez", 405), (PREDICT, 413), (PREDICT, 415), (STREAM, 415)]
)
@pytest.mark.parametrize("last", [{}, LAST])
@pytest.mark.parametrize("is_length_known", [True, False])
def test_whoever_sends_a_large_body_that_is_refused_sees_the_answer(
    url: str, path: str, status: int, last: dict[str, str], is_length_known: bool
) -> None:
    size = 20 * 1024 * 1024
    kind = "text/plain" if status == 415 else "application/json"
    framing = {"content_length": size} if is_length_known else {"transfer_encoding": "chunked"}
    body = b" " * size if is_length_known else b"%x\r\n%b\r\n0\r\n\r\n" % (size, b" " * size)
    answers = asked(url, head("POST", path, content_type=kind, **framing, **last), body + head("GET", "/livez", **LAST))
    # A connection that may be kept is good for the next request.
    assert [answer.status for answer in answers] == ([status] if last else [status, 200])


def test_a_connection_is_good_for_the_next_request_after_a_body_that_was_refused(url: str) -> None:
    refused = post("/nowhere", b" " * 1_000_000)
    answers = asked(url, refused[:50_000], refused[50_000:], head("GET", "/livez", **LAST))
    assert [answer.status for answer in answers] == [404, 200]


def test_who_asks_first_is_told_before_sending_a_large_body(url: str) -> None:
    asking = head("POST", PREDICT, content_type="application/json", content_length=10**9, expect="100-continue")
    with connected(url) as connection:
        connection.sendall(asking)
        received = until_closed(connection)
    assert received.startswith(b"HTTP/1.1 413 ")


def test_who_asks_first_is_told_to_go_on(url: str) -> None:
    body = house_bytes()
    with connected(url) as connection:
        connection.sendall(post(PREDICT, body, expect="100-continue", **LAST)[: -len(body)])
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        (answer,) = answers_in(until_closed(connection))
    assert answer.status == 200


def test_a_large_answer_on_a_last_connection_comes_whole(url: str) -> None:
    (answer,) = asked(url, post(BATCH, batch_bytes(houses_json(5_000)), **LAST))
    assert answer.status == 200
    assert len(answer.json["predictions"]) == 5_000


def test_more_connections_than_are_served_are_told_so_and_the_others_go_on(stub: StubModelServer) -> None:
    few = dataclasses.replace(LIMITS, connections=2, client_seconds=5.0, keep_alive_seconds=5)
    with served(create_app(settings_for(stub.url)), few) as url, connected(url) as one, connected(url) as other:
        for kept in (one, other):
            kept.sendall(head("GET", "/livez"))
            assert one_answer(kept).status == 200
        (answer,) = asked(url, head("GET", "/livez"))
        assert (answer.status, answer.problem) == (503, "too-many-connections")
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["x-request-id"] == answer.json["requestId"]
        one.sendall(head("GET", "/livez"))
        assert one_answer(one).status == 200
