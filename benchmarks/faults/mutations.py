"""Mutates valid requests: flips, removes, repeats and joins bytes, and replaces headers."""

import random
from typing import Final

from benchmarks import houses
from benchmarks.faults.testbed import batch_of_houses, one_house

_HOST: Final = b"Host: 127.0.0.1\r\n"

HOSTILE_BYTES: Final = (
    *(b"", b"\x00", b"\r\n", b"\r\n\r\n", b"\n", b" ", b"%00", b"../", b"*", b'"'),
    *(b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"\\ud800"', b"\\u0000"),
    *(b"NaN", b"Infinity", b"1e999", b"-0", b"9" * 5_000, b"0." + b"3" * 5_000),
    *(b"null", b"true", b"{}", b"[]", b"{" * 100, b"}" * 3, b'"' + b"x" * 70_000 + b'"'),
    *(b"[" * 20_000, b'{"a":' * 20_000),
)

HEADERS: Final = (
    *b"""Content-Length: 0
Content-Length: -1
Content-Length: 99999999999999999999
Content-Length: 5, 5
Content-Length: 1e3
Content-Length: +5
Transfer-Encoding: chunked
Transfer-Encoding: gzip, chunked
Transfer-Encoding : chunked
Content-Type: text/plain
Content-Type: application/json; charset=utf-16
Content-Encoding: gzip
Content-Encoding: br
Expect: 100-continue
Connection: upgrade
Upgrade: h2c
Host: evil.example
X-Request-ID: a\x00b
X-Request-ID: \xff\xfe
X-Request-Timeout-Ms: -1
X-Request-Timeout-Ms: NaN
X-Request-Timeout-Ms: 99999999999
traceparent: 00-0-0-00
Range: bytes=0-
Authorization: Bearer x
Authorization: Basic \xff
X-API-Key: \x01
Cookie: a=b; a=c
Forwarded: for=[::1]
X-Forwarded-For: 1.1.1.1, \xff
Accept: image/*
Origin: null
If-None-Match: *
 folded: value
no colon
: no name""".split(b"\n"),
    *(b"X-Request-ID: " + b"x" * 300, b"X: " + b"y" * 200_000, b"Content-Length: 4\r\nContent-Length: 5"),
)

TARGETS: Final = (b"http://evil.example/", b"//", b"/%2e%2e/", b"/?", b"/\xff")
VERSIONS: Final = (b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"", b"ICY")
METHODS: Final = (b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"BREW", b"PRI")


def corpus() -> list[bytes]:
    """Return valid requests of every kind."""
    line = one_house()
    posts = [
        (houses.PREDICT_PATH, b"application/json", line),
        (f"{houses.PREDICT_PATH}/batch", b"application/json", batch_of_houses(3)),
        (f"{houses.PREDICT_PATH}/stream", b"application/x-ndjson", b"\n".join([line] * 3) + b"\n"),
    ]
    paths = ("/", "/livez", "/readyz", "/openapi.json", "/docs", "/metrics")
    requests = [f"GET {path} HTTP/1.1\r\n".encode() + _HOST + b"Accept: */*\r\n\r\n" for path in paths]
    for path, kind, body in posts:
        head = f"POST {path} HTTP/1.1\r\n".encode() + _HOST + b"Content-Type: " + kind + b"\r\nX-Request-ID: fuzz-1\r\n"
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        # Weight the operations that read a body.
        requests += 3 * [head + b"Content-Length: %d\r\n\r\n" % len(body) + body]
        requests += [head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked]
    return requests


def mutate(rng: random.Random, requests: list[bytes]) -> bytes:
    """Mutate a request one to three times; mostly correct Content-Length after a change of the body."""
    request = rng.choice(requests)
    for _ in range(rng.randint(1, 3)):
        head, end, body = request.partition(b"\r\n\r\n")
        which = rng.random()
        if which < _BODY_SHARE and body:
            body = _mutate_bytes(rng, body, requests)
            request = head + end + body
            if rng.random() < _CORRECT_LENGTH_SHARE:
                request = _with_correct_length(request)
        elif which < _HEADER_SHARE:
            request = _mutate_head(rng, head) + end + body
        else:
            request = _mutate_bytes(rng, request, requests)
    return request


_BODY_SHARE, _HEADER_SHARE, _CORRECT_LENGTH_SHARE = 0.5, 0.75, 0.75


def _mutate_bytes(rng: random.Random, content: bytes, requests: list[bytes]) -> bytes:
    start = rng.randint(0, len(content))
    end = min(len(content), start + rng.choice((1, 4, 40, 400)))
    before, between, after = content[:start], content[start:end], content[end:]
    match rng.choice(("flip", "cut", "drop", "double", "hostile", "splice", "noise")):
        case "flip":
            between = bytes([between[0] ^ (1 << rng.randrange(8))]) + between[1:] if between else b"?"
        case "cut":
            between = after = b""
        case "drop":
            between = b""
        case "double":
            between *= rng.choice((2, 4, 100))
        case "splice":
            other = rng.choice(requests)
            between, after = other[rng.randint(0, len(other)) :], b""
        case "noise":
            between = rng.randbytes(rng.choice((1, 8, 64)))
        case _:
            between = rng.choice(HOSTILE_BYTES)
    return before + between + after


def _mutate_head(rng: random.Random, head: bytes) -> bytes:
    first, *lines = head.split(b"\r\n")
    match rng.choice(("add", "add", "replace", "drop", "double", "method", "version", "target")):
        case "replace" if lines:
            lines[rng.randrange(len(lines))] = rng.choice(HEADERS)
        case "drop" if lines:
            lines.pop(rng.randrange(len(lines)))
        case "double" if lines:
            lines *= rng.choice((2, 60))
        case "method":
            first = rng.choice(METHODS) + b" " + first.partition(b" ")[2]
        case "version":
            first = first.rpartition(b" ")[0] + b" " + rng.choice(VERSIONS)
        case "target":
            first = first.replace(b" /", b" " + rng.choice(TARGETS), 1)
        case _:
            lines.insert(rng.randint(0, len(lines)), rng.choice(HEADERS))
    return b"\r\n".join([first, *lines])


def _with_correct_length(request: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-length", b"transfer-enc"))]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body
