"""Any bytes at all are answered with a price or with a refusal, never with a failure of ours."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from factories import batch_bytes, client_of, house_bytes, house_json, houses_json, raw_headers, settings_for
from housing_price_orchestrator.app import create_app
from servers import StubModelServer

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
STREAM = "/api/v1/price/predict/stream"

# Longer than 64 KiB, where a batch is read in another way.
LARGE_BATCH = batch_bytes(houses_json(45))
BODIES = [house_bytes(), batch_bytes(houses_json(2)), LARGE_BATCH]

NASTY = [
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-1e999",
    b"1e-999",
    b"-0",
    b"-0.0",
    b"9" * 400,
    b"9" * 5_000,
    b"0." + b"3" * 5_000,
    b"1E400000000000",
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\u0000"',
    b'"\xff\xfe"',
    b'"\xed\xa0\x80"',
    b'"\xf0\x9f\x8f\xa0"',
    b'"' + b"x" * 20_000 + b'"',
    b"[" * 3_000,
    b"[" * 3_000 + b"]" * 3_000,
    b'{"a":' * 3_000,
    b'{"a":' * 100 + b"1" + b"}" * 100,
    b'{"street": "Pave", "street": "Pave"}',
    b"null",
    b"[]",
    b"{}",
    b"true",
    b"",
    b",",
    b":",
    b"}",
    b"]",
    b"]}",
    b"}]}",
    b"\x00",
    b"\xef\xbb\xbf",
    b"//",
    b"\n",
]

nasty = st.sampled_from(NASTY)
keys = st.sampled_from([key.encode() for key in (*house_json(), "data")])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid body with pieces cut out, doubled, or replaced by something nasty."""
    body = draw(st.sampled_from(BODIES))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 200)))
        piece = draw(nasty | st.binary(max_size=8) | st.just(body[start:end] * 2))
        body = body[:start] + piece + body[end:]
    return body


@st.composite
def with_nasty_value(draw: st.DrawFn) -> bytes:
    """A valid body in which one value is something nasty, in its first or last house."""
    body = draw(st.sampled_from(BODIES))
    key = b'"' + draw(keys) + b'": '
    start = body.find(key) if draw(st.booleans()) else body.rfind(key)
    if start < 0:
        return body + draw(nasty)
    start += len(key)
    end = min(at for at in (body.find(b",", start), body.find(b"}", start)) if at >= 0)
    return body[:start] + draw(nasty) + body[end:]


@st.composite
def with_extra_key(draw: st.DrawFn) -> bytes:
    """A valid body with a duplicate or an unknown key."""
    body = draw(st.sampled_from(BODIES))
    key = draw(keys | st.binary(max_size=6))
    at = [index for index, byte in enumerate(body) if byte == ord("{")]
    start = draw(st.sampled_from(at)) + 1
    return body[:start] + b'"' + key + b'": ' + draw(nasty) + b", " + body[start:]


encoded = st.builds(
    lambda body, encoding: body.decode().encode(encoding),
    st.sampled_from(BODIES),
    st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7", "cp037"]),
)

any_bytes = st.one_of(
    st.binary(max_size=200),
    st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
    json_values.map(lambda value: json.dumps(value).encode()),
    json_values.map(lambda value: json.dumps({"data": [house_json(), value]}).encode()),
    json_values.map(lambda value: json.dumps(house_json(lotArea=value)).encode()),
    mutated(),
    with_nasty_value(),
    with_extra_key(),
    encoded,
)


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    with StubModelServer() as stub, client_of(create_app(settings_for(stub.url))) as client:
        yield client


def strict(text: str) -> Any:
    """Parse JSON and nothing else: no NaN, no Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in an answer")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("path", [PREDICT, BATCH])
@given(body=any_bytes)
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@example(body=b"")
@example(body=LARGE_BATCH[:-1])
@example(body=b'{"data":[' + b"[" * 100_000)
def test_any_bytes_are_priced_or_refused(api: TestClient, path: str, body: bytes) -> None:
    answer = api.post(path, content=body)
    assert answer.status_code in {200, 413, 422}, answer.text
    document = strict(answer.text)
    if answer.status_code == 422:
        assert 1 <= len(document["detail"]) <= 101
        assert all({"type", "loc", "msg"} <= finding.keys() for finding in document["detail"])
        assert len(answer.content) < 200_000


@given(body=st.lists(any_bytes, max_size=3).map(b"\n".join))
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
def test_any_lines_are_priced_or_refused(api: TestClient, body: bytes) -> None:
    answer = api.post(STREAM, content=body, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 200
    for line in answer.text.split("\n"):
        if line:
            document = strict(line)
            assert "predictedPrice" in document or document["error"]["status"] in {413, 422}


@given(
    headers=st.dictionaries(
        st.sampled_from(["content-type", "content-encoding", "accept", "x-request-id", "traceparent", "expect"]),
        st.binary(max_size=60).map(lambda value: bytes(byte for byte in value if byte not in b"\r\n\0")),
    )
)
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
def test_any_headers_are_priced_or_refused(api: TestClient, headers: dict[str, bytes]) -> None:
    answer = api.post(PREDICT, content=house_bytes(), headers=raw_headers(headers))
    assert answer.status_code in {200, 415}


@given(path=st.binary(max_size=30), method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "BREW"]))
@settings(suppress_health_check=list(HealthCheck))
def test_any_path_is_answered(api: TestClient, path: bytes, method: str) -> None:
    answer = api.request(method, "/" + quote(path))
    assert answer.status_code < 500
    assert answer.headers["x-request-id"]
