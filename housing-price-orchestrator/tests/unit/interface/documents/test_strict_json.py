"""Bodies other than houses: strict JSON, exact integers, and a bounded number of errors."""

import json
from typing import Any

import pytest

from housing_price_orchestrator.interface.documents.strict_json import read_view, with_plain_integers
from housing_price_orchestrator.interface.operations.actuals import MAX_COLONS
from housing_price_orchestrator.shared.errors import MAX_FINDINGS, InvalidDocument
from housing_price_orchestrator.shared.view.actual import ActualPrices
from housing_price_platform.orders.moves import CanaryOrder

MARK = b"\xef\xbb\xbf"


def sale(number: str) -> bytes:
    return b'{"data": [{"id": %s, "salePrice": 1.0, "soldOn": "2026-06-01"}]}' % number.encode()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        *(("7", 7), ("7.0", 7), ("7e0", 7), ("9007199254740993.0", 2**53 + 1)),
        *(("9223372036854775807.0", 2**63 - 1), ("9223372036854775807", 2**63 - 1), ("1e18", 10**18)),
    ],
)
def test_the_id_of_a_sale_is_an_exact_integer(number: str, expected: int) -> None:
    (found,) = read_view(ActualPrices, MARK + sale(number)).data
    assert (found.id, type(found.id), found.sale_price) == (expected, int, 1.0)


@pytest.mark.parametrize("number", ["7.5", '"7"', "true", "1E400", "9223372036854775808.0", "0.0"])
def test_any_other_id_is_refused_by_name(number: str) -> None:
    with pytest.raises(InvalidDocument) as error:
        read_view(ActualPrices, sale(number))
    assert [finding["loc"] for finding in error.value.findings] == [("body", "data", 0, "id")]


@pytest.mark.parametrize(
    "body",
    [
        b'{"weight": 0.5, "weight": 0.5}',
        b'{"weight": NaN}',
        b'{"weight": 0.5}x',
        MARK + MARK + b'{"weight": 0.5}',
        b" " + MARK + b'{"weight": 0.5}',
        b'{"weight": 0.5, "reason": "\xff"}',
        b"",
    ],
)
def test_bodies_are_strict_json(body: bytes) -> None:
    with pytest.raises(InvalidDocument) as error:
        read_view(CanaryOrder, body)
    assert [finding["type"] for finding in error.value.findings] == ["json_invalid"]


def test_texts_are_not_touched_where_integers_are() -> None:
    body = b'{"weight": 1, "reason": "was 1.0, now [2.0]", "limits": {"leastRequests": 50.0}}'
    order = read_view(CanaryOrder, body)
    assert (order.reason, order.limits and order.limits.least_requests) == ("was 1.0, now [2.0]", 50)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (b'{"a": 1.0, "b": [2e0, {"c": -0.0}], "d": "3.0"}', {"a": 1, "b": [2, {"c": 0}], "d": "3.0"}),
        (b"[1.5, 2.0, 9007199254740993.0]", [1.5, 2, 2**53 + 1]),
        (b"[1.5, 1e400000000, 2]", None),
        (b"[1.0", None),
        (b'{"a": 1.0, "a": 1.0}', None),
        (b"[1.0, " + b"1" * 5_000 + b"]", None),
    ],
)
def test_integers_are_written_plainly(text: bytes, plain: Any) -> None:
    found = with_plain_integers(text)
    assert (None if found is None else json.loads(found)) == plain


@pytest.mark.parametrize("entry", [b"{}", b'{"id":0}', b'{"a":1,"b":1}', b"1"])
def test_errors_of_sales_are_bounded(entry: bytes) -> None:
    with pytest.raises(InvalidDocument) as error:
        read_view(ActualPrices, b'{"data":[' + b",".join([entry] * 10_000) + b"]}", max_colons=MAX_COLONS)
    assert len(error.value.findings) == MAX_FINDINGS
    assert error.value.omitted >= 10_000 - MAX_FINDINGS


def test_a_body_with_very_many_keys_is_refused_at_once() -> None:
    keys = b",".join(b'"k%d":1' % number for number in range(MAX_COLONS + 1))
    for body in (b"{" + keys + b"}", b'{"data":[{' + keys + b"}]}"):
        with pytest.raises(InvalidDocument) as error:
            read_view(ActualPrices, body, max_colons=MAX_COLONS)
        assert [finding["type"] for finding in error.value.findings] == ["too_long"]
