"""Malformed HTTP on the wire: refused or closed, never a failure, one line each in the log."""

import contextlib
import json
import sys
from collections.abc import Iterator
from decimal import Decimal

import pytest

from factories import batch_bytes, house_bytes, houses_json
from servers import LISTENS, Process, StubModelServer
from wire import answers_in, asked, connected, head, one_answer, post, until_closed

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
STREAM = "/api/v1/price/predict/stream"
PATHS = [PREDICT, BATCH, STREAM]
LAST = {"connection": "close"}
SECRET = "hp_do-not-log-this"  # noqa: S105 - what must not stand in a log


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    with (
        StubModelServer() as stub,
        Process(
            *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
            ORCHESTRATOR_MODEL_SERVER__BASE_URL=stub.url,
            ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="30",
            ORCHESTRATOR_SERVER__CLIENT_TIMEOUT_SECONDS="1",
        ) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def url(process: Process) -> str:
    return process.says(LISTENS)[1]


@pytest.fixture(scope="module", autouse=True)
def _log_is_clean(process: Process, url: str) -> Iterator[None]:
    """After all of it: the service answers, ends in order, and wrote nothing but one JSON object per line."""
    yield
    (answer,) = asked(url, post(PREDICT, house_bytes(), **LAST))
    assert answer.status == 200
    assert process.stop() == 0
    events = [json.loads(line) for line in process.lines]
    assert all({"service", "event", "level", "time"} <= event.keys() for event in events)
    assert [event for event in events if event["level"] in {"error", "critical"}] == []
    assert "Traceback" not in process.output
    assert SECRET not in process.output


GET = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n"
POST = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n".encode()

MALFORMED = {
    "TLS on the plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol": b"EHLO example.com\r\n",
    "random bytes": bytes(range(255, 0, -1)) * 10,
    "both lengths": POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "both lengths, turned": POST + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "a negative length": POST + b"content-length: -2\r\n\r\n{}",
    "a length with a sign": POST + b"content-length: +2\r\n\r\n{}",
    "a length beyond all": POST + b"content-length: 99999999999999999999999\r\n\r\n{}",
    "a length in hexadecimals": POST + b"content-length: 0x2\r\n\r\n{}",
    "a coding that is not chunked": POST + b"transfer-encoding: gzip\r\n\r\n{}",
    "chunked and then something": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a chunk of no size": POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk of a negative size": POST + b"transfer-encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a chunk of a size beyond all": POST + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}\r\n0\r\n\r\n",
    "a chunk that is longer than its size": POST + b"transfer-encoding: chunked\r\n\r\n2\r\n{}{}\r\n0\r\n\r\n",
    "space before the colon": GET + b"x-name : a\r\n\r\n",
    "a folded header": GET + b"x-name: a\r\n  b\r\n\r\n",
    "a header without a name": GET + b": a\r\n\r\n",
    "a header without a colon": GET + b"nonsense\r\n\r\n",
    "NUL in a header": GET + b"x-name: a\x00b\r\n\r\n",
    "a lone CR in a header": GET + b"x-name: a\rb\r\n\r\n",
    "lines without CR": b"GET /livez HTTP/1.1\nhost: localhost\n\n",
    "no such version": b"GET /livez HTTP/9.9\r\nhost: localhost\r\n\r\n",
    "no path": b"GET HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a path that is not ASCII": b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a path with a space": b"GET /a b HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a tunnel": b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "no host for a price": POST.replace(b"host: localhost\r\n", b"") + b"content-length: 2\r\n\r\n{}",
    "two hosts": GET + b"host: localhost\r\n\r\n",
    "two hosts, apart and different": GET + b"x-name: a\r\nHost: elsewhere\r\n\r\n",
    "two hosts in HTTP/1.0": b"GET /livez HTTP/1.0\r\nhost: localhost\r\nhost: localhost\r\n\r\n",
    "an empty host": b"GET /livez HTTP/1.1\r\nhost:\r\n\r\n",
    "a host of spaces": b"GET /metrics HTTP/1.1\r\nhost:   \r\n\r\n",
    "a port without a host": b"GET /livez HTTP/1.1\r\nhost: :8000\r\n\r\n",
    "a list of hosts": b"GET /livez HTTP/1.1\r\nhost: localhost, localhost\r\n\r\n",
    "a host with a scheme": b"GET /livez HTTP/1.1\r\nhost: http://localhost\r\n\r\n",
    "a host with a path": b"GET /livez HTTP/1.1\r\nhost: localhost/livez\r\n\r\n",
    "a host with a user": b"GET /livez HTTP/1.1\r\nhost: user@localhost\r\n\r\n",
    "a host with a word as port": b"GET /livez HTTP/1.1\r\nhost: localhost:http\r\n\r\n",
    "a host that is not ASCII": b"GET /livez HTTP/1.1\r\nhost: h\xc3\xa4user.example\r\n\r\n",
    "an address without brackets": b"GET /livez HTTP/1.1\r\nhost: ::1\r\n\r\n",
    "half an address": b"GET /livez HTTP/1.1\r\nhost: [::1\r\n\r\n",
    "a target that is no path": b"GET example HTTP/1.1\r\nhost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_with_a_problem_and_closed(url: str, name: str) -> None:
    answers = asked(url, MALFORMED[name])
    assert [answer.status for answer in answers] == [400]
    assert answers[0].problem == "request-malformed"
    assert answers[0].headers["connection"] == "close"
    assert answers[0].headers["x-request-id"] == answers[0].json["requestId"]


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_after_a_good_request_does_not_take_its_answer(url: str, name: str) -> None:
    answers = asked(url, post(PREDICT, house_bytes()) + MALFORMED[name])
    assert [answer.status for answer in answers] == [200, 400]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /livez HTTP/1.0\r\n\r\n", 200),
        (b"GET / HTTP/1.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: [::1]:8000\r\nconnection: close\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHOST: LocalHost:\r\nconnection: close\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nhost: elsewhere.example\r\nconnection: close\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nhost: elsewhere.example\r\nconnection: close\r\n\r\n", 200),
        (b"GET http://elsewhere.example/livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", 200),
        (b"\r\n\r\nGET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", 200),
        (GET + b"connection: upgrade, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n", 200),
        (GET + b"connection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n", 200),
        (GET + b"expect: a-miracle\r\nconnection: close\r\n\r\n", 200),
        (head("BREW", "/livez", **LAST), 400),
        (head("OPTIONS", "*", **LAST), 404),
        (head("TRACE", PREDICT, **LAST), 405),
        (head("GET", "/../../etc/passwd", **LAST), 404),
        (head("GET", "/docs/assets/..%2f..%2f..%2fetc%2fpasswd", **LAST), 404),
        (head("GET", "/docs/assets/%00", **LAST), 404),
        (head("GET", "/docs/assets/" + "a" * 5_000, **LAST), 404),
        (head("GET", "/%ff%fe%0d%0aset-cookie:%20a=b", **LAST), 404),
        (head("GET", "/%ed%a0%80", **LAST), 404),
        (head("GET", "/livez?" + "a=b&" * 5_000, **LAST), 200),
    ],
)
def test_what_is_unusual_is_answered(url: str, sent: bytes, status: int) -> None:
    assert [answer.status for answer in asked(url, sent)] == [status]


def test_pipelined_requests_are_answered_in_order(url: str) -> None:
    sent = [post(PREDICT, house_bytes(id=number)) for number in range(1, 21)]
    last = head("GET", "/livez", **LAST)
    answers = asked(url, b"".join(sent) + last)
    assert [answer.status for answer in answers] == [200] * 21
    assert [answer.json["id"] for answer in answers[:-1]] == list(range(1, 21))


@pytest.mark.parametrize("given", ["a b", "a\tb", "ä", "x" * 65, "a;b", '"a"', "a\u2028b", "%0d%0aset-cookie:a", ""])
def test_a_request_id_that_is_not_plain_is_replaced(url: str, given: str) -> None:
    sent = GET + b"connection: close\r\nx-request-id: " + given.encode() + b"\r\n\r\n"
    (answer,) = asked(url, sent)
    assert answer.status == 200
    assert answer.headers["x-request-id"] != given
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "value", [b"\xff\xfe\x80", b"\x1b[31m", "\u2028\u2029".encode(), b'"}{"event":"forged"', b"\t"]
)
@pytest.mark.parametrize("name", ["user-agent", "x-forwarded-for", "referer", "traceparent", "accept", "cookie"])
def test_no_value_of_a_header_breaks_an_answer_or_the_log(url: str, name: str, value: bytes) -> None:
    sent = f"GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{name}: ".encode() + value + b"\r\n\r\n"
    assert [answer.status for answer in asked(url, sent)] in ([404], [400])


@pytest.mark.parametrize("scheme", ["Bearer", "Basic", "Digest", ""])
def test_credentials_are_not_logged(url: str, scheme: str) -> None:
    given = {"authorization": f"{scheme} {SECRET}", "x_api_key": SECRET, "cookie": SECRET}
    (answer,) = asked(url, post(PREDICT, house_bytes(), **given, **LAST))
    assert answer.status == 200
    (answer,) = asked(url, head("GET", "/nowhere", **given, **LAST))
    assert answer.status == 404
    (answer,) = asked(url, head("GET", "/livez", **given)[:-2] + b"broken header\r\n\r\n")
    assert answer.status == 400


GOOD = house_bytes()


def with_value(value: bytes) -> bytes:
    """A house in which one number is something else."""
    return GOOD.replace(b'"lotArea": 11622', b'"lotArea": ' + value)


assert with_value(b"1") != GOOD

DOCUMENTS = {
    "NaN": with_value(b"NaN"),
    "Infinity": with_value(b"Infinity"),
    "minus Infinity": with_value(b"-Infinity"),
    "1e999": with_value(b"1e999"),
    "5,000 digits": with_value(b"9" * 5_000),
    "5,000 digits after the point": with_value(b"0." + b"3" * 5_000 + b"x"),
    "an exponent of 5,000 digits": with_value(b"1e" + b"9" * 5_000),
    "equal keys": GOOD.replace(b'"lotArea": 11622', b'"lotArea": 11622, "lotArea": 11622'),
    "a lone surrogate": with_value(b'"\\ud800"'),
    "a lone surrogate as bytes": with_value(b'"\xed\xa0\x80"'),
    "not UTF-8": with_value(b'"\xff\xfe"'),
    "two marks of the byte order": b"\xef\xbb\xbf\xef\xbb\xbf" + GOOD,
    "a mark of the byte order behind a space": b" \xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without a mark": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "20,000 lists deep": with_value(b"[" * 20_000 + b"]" * 20_000),
    "20,000 objects deep": with_value(b'{"a":' * 9_000 + b"1" + b"}" * 9_000),
    "never closed": with_value(b"[" * 20_000),
    "a comment": with_value(b"1 /* one */"),
    "a comma too many": GOOD.rstrip(b"}") + b",}",
    "something behind it": GOOD + b"{}",
    "nothing": b"",
    "NUL": b"\x00",
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("path", PATHS)
def test_json_that_is_not_strict_is_refused(url: str, path: str, name: str) -> None:
    document = DOCUMENTS[name]
    if path == BATCH:
        document = b'{"data": [' + GOOD + b", " + document + b"]}"
    if path == STREAM:
        sent = post(path, document.replace(b"\n", b" ") + b"\n" + GOOD.replace(b"\n", b" "), **LAST)
        (answer,) = asked(url, sent.replace(b"application/json", b"application/x-ndjson"))
        assert answer.status == 200
        *refused, priced = (json.loads(line) for line in answer.body.decode().strip().split("\n"))
        # A line of nothing is passed over.
        assert bool(refused) == bool(document)
        assert all(line["error"]["status"] == 422 for line in refused)
        assert "predictedPrice" in priced
        return
    (answer,) = asked(url, post(path, document, **LAST))
    assert answer.status == 422
    assert len(answer.body) < 200_000


@pytest.mark.parametrize("path", PATHS)
def test_a_mark_of_the_byte_order_is_skipped_at_the_start_of_a_body(url: str, path: str) -> None:
    document = b'{"data": [' + GOOD + b"]}" if path == BATCH else GOOD.replace(b"\n", b" ") + b"\n"
    sent = post(path, b"\xef\xbb\xbf" + document, **LAST)
    if path == STREAM:
        sent = post(path, b"\xef\xbb\xbf" + document + b"\xef\xbb\xbf" + document, **LAST)
        sent = sent.replace(b"application/json", b"application/x-ndjson")
    (answer,) = asked(url, sent)
    assert answer.status == 200
    assert answer.body.count(b"predictedPrice") == 1
    assert answer.body.count(b"json_invalid") == (1 if path == STREAM else 0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("number", ["9223372036854775807", "9223372036854775807.0", "9007199254740993.0", "1e3"])
def test_an_id_is_answered_as_the_integer_that_was_sent(url: str, path: str, number: str) -> None:
    house = GOOD.replace(b'"id": 1461', b'"id": ' + number.encode()).replace(b"\n", b" ")
    assert house != GOOD
    sent = post(path, b'{"data": [' + house + b"]}" if path == BATCH else house, **LAST)
    (answer,) = asked(url, sent.replace(b"application/json", b"application/x-ndjson") if path == STREAM else sent)
    assert b'"id":%d,' % Decimal(number) in answer.body


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "GZIP", "x"])
def test_a_compressed_body_is_refused_and_not_unpacked(url: str, path: str, encoding: str) -> None:
    kind = "application/x-ndjson" if path == STREAM else "application/json"
    sent = head("POST", path, content_type=kind, content_encoding=encoding, content_length=1_000_000)
    (answer,) = asked(url, sent[:-2] + b"connection: close\r\n\r\n" + b"\x1f\x8b" * 500_000)
    assert (answer.status, answer.problem) == (415, "unsupported-media-type")


def test_an_answer_under_way_is_cut_off_where_its_stream_turns_out_malformed(url: str) -> None:
    begun = head("POST", STREAM, content_type="application/x-ndjson", transfer_encoding="chunked")
    line = GOOD.replace(b"\n", b" ") + b"\n"
    with connected(url) as connection:
        connection.sendall(begun + b"%x\r\n%b\r\n" % (len(line), line))
        received = connection.recv(65_536)
        while b"predictedPrice" not in received:
            received += connection.recv(65_536)
        connection.sendall(b"zz\r\n")
        # A reset: that is how it is cut off.
        with contextlib.suppress(ConnectionResetError):
            received += until_closed(connection)
    assert received.count(b"HTTP/1.1 ") == 1
    assert not received.endswith(b"0\r\n\r\n")


def test_a_connection_goes_on_after_a_body_that_was_refused_early(url: str) -> None:
    with connected(url) as connection:
        for _ in range(10):
            connection.sendall(head("POST", PREDICT, content_type="application/json", content_length=1_000_000) + b" ")
            # The answer comes before the body, of which nearly all then comes at once.
            assert one_answer(connection).status == 413
            connection.sendall(b" " * 999_999)
            connection.sendall(post(PREDICT, house_bytes()))
            assert one_answer(connection).status == 200


def test_what_is_large_and_good_is_priced(url: str) -> None:
    (answer,) = asked(url, post(BATCH, batch_bytes(houses_json(10_000)), **LAST))
    assert answer.status == 200
    assert answers_in(b"") == []
