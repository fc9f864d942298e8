"""Requests that prefer HTML at `/` get the page; all others get JSON."""

import pytest

from housing_price_orchestrator.interface.page.negotiation import prefers_html

CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
EDGE_LEGACY = "text/html, application/xhtml+xml, image/jxr, */*"


def prefers(*accept: str) -> bool:
    return prefers_html([(b"host", b"x"), *((b"accept", value.encode("latin-1")) for value in accept)])


@pytest.mark.parametrize(
    "accept",
    [
        CHROMIUM,
        FIREFOX,
        "text/html",
        "TEXT/HTML",
        " \ttext/html\t ",
        "text/*",
        "text/html;charset=utf-8",
        "text/html; level=1",
        "text/html;q=0.001",
        "text/html;Q=0.5",
        "text/html;q=1.000",
        "text/html;q=.5",
        "text/html ; q=0.5 ; ext=1",
        "application/json;q=0.9, text/html",
        "application/json;q=0, */*;q=0.1",
        "text/html;q=0.9, */*;q=0.8",
        "*/*, application/json;q=0.5",
        "text/html;q=0.2, text/html;q=0.9, application/json;q=0.5",
        'text/html;title="a, application/json"',
        'text/html;title="a \\", application/json"',
        "text/html, garbage, ;;;, application/json;q=0.3",
        "text/html;q=0.7, text/html;level=1;q=0.3, application/json;q=0.5",
    ],
)
def test_whoever_likes_html_better_gets_the_page(accept: str) -> None:
    assert prefers(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/*",
        "application/problem+json",
        "image/png",
        "application/json, text/html",
        "text/html, application/json",
        "text/html;q=0.5, application/json;q=0.5",
        "text/html;q=0.5, */*",
        "text/html, */*",
        "text/html, */*;q=1.0",
        EDGE_LEGACY,
        "text/html;q=0",
        "text/html;q=0.000, */*;q=0.0",
        "text/*;q=0.5, text/html;q=0.1, application/json;q=0.2",
        "application/json;odata=verbose, text/html;q=0.5",
        # Malformed: as if it were not there.
        "text/html;q=2",
        "text/html;q=-1",
        "text/html;q=abc",
        "text/html;q=",
        "text/html;q=1.5",
        "text/html;q=nan",
        "text/html;q=1e0",
        "text/html;q",
        "text/html q=1",
        "text/",
        "/html",
        "text",
        "text/html/x",
        "*/html",
        "te xt/html",
        '"text/html"',
        '"text/html',
        ",,,",
        ";q=1",
        "\u00e4/\u00e4",
        "\x00",
    ],
)
def test_everyone_else_gets_json(accept: str) -> None:
    assert not prefers(accept)


def test_no_accept_header_means_json() -> None:
    assert not prefers()


def test_several_headers_are_one_list() -> None:
    assert prefers("application/json;q=0.2", "text/html;q=0.4")
    assert not prefers("text/html;q=0.4", "application/json")


@pytest.mark.parametrize("part", ['"', '"\\', "\\", ",", ";", "text/html;", "text/x,", 'a/b;c="', "a/b;c=d;", "a"])
def test_a_long_header_takes_linear_time(part: str) -> None:
    # Quadratic time would take minutes.
    assert not prefers(part * (100_000 // len(part)) + "\x00")
