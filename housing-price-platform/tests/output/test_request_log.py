from typing import Any

import pytest

from housing_price_platform.output.request_log import request_fields


def fields_of(**headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"method": "POST", "path": "/a b", "raw_path": b"/a%20b%0a", "headers": raw}
    return request_fields(scope, status=200, seconds=0.12345678)


def test_a_request_has_method_raw_path_status_duration_and_id() -> None:
    assert fields_of(x_request_id="a.B-c_1", accept="*/*") == {
        "method": "POST",
        "path": "/a%20b%0a",
        "status": 200,
        "seconds": 0.123457,
        "request_id": "a.B-c_1",
    }


@pytest.mark.parametrize("header", ["x" * 65, "two words", "", "a;b", "a\nb"])
def test_an_invalid_id_is_not_logged(header: str) -> None:
    assert fields_of(x_request_id=header)["request_id"] == "-"
    assert fields_of()["request_id"] == "-"


@pytest.mark.parametrize(
    ("traceparent", "trace"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"),
        ("00-0AF7-b7ad6b7169203331-01", None),
        ("x trace=forged", None),
    ],
)
def test_the_trace_id_comes_from_a_valid_header_only(traceparent: str, trace: str | None) -> None:
    assert fields_of(traceparent=traceparent).get("trace_id") == trace
