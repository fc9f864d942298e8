"""Strict parsing of houses and batches: what is accepted, what is rejected, and with which findings."""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from event_loop import turns_during
from factories import ABSENT, alias_of, batch_bytes, batch_json, house, house_bytes, house_json, houses, houses_json
from housing_price_orchestrator.interface.documents import batch_reading
from housing_price_orchestrator.interface.documents.batch_reading import read_houses
from housing_price_orchestrator.interface.documents.reading import read_house
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.shared.errors import MAX_FINDINGS, InvalidDocument
from housing_price_orchestrator.shared.view.house import House, HouseBatch
from housing_price_survey import vocabulary

pytestmark = pytest.mark.anyio

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"

SMALL, LARGE = 3, 120
"""Houses in a batch that is decoded at once, and in one that is decoded in several slices."""

SLICE_BYTES = 64 * 1024


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_reading, "CHUNK_BYTES", SLICE_BYTES)


def test_the_tested_sizes_cover_both_ways_of_reading() -> None:
    small, large = (len(batch_bytes(houses_json(count))) for count in (SMALL, LARGE))
    assert small < SLICE_BYTES
    assert large > 2 * SLICE_BYTES


def test_no_allowed_value_contains_a_colon_or_brace() -> None:
    # `reading` counts colons, and `batch_reading` searches for the closing brace of a house.
    for name in dir(vocabulary):
        words = getattr(vocabulary, name)
        if type(words).__name__ == "TypeAliasType":
            assert not any(set(":{}") & set(str(word)) for word in get_args(words.__value__)), name


def values(one: Any) -> tuple[Any, ...]:
    """Return the values of a house, whether it is a `House` or a `HouseRecord`."""
    return (one.id, *row_of(one))


def all_values(many: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [values(one) for one in many]


def findings_of(read: Callable[[], Any]) -> list[tuple[str, tuple[Any, ...]]]:
    with pytest.raises(InvalidDocument) as error:
        read()
    return [(finding["type"], tuple(finding["loc"])) for finding in error.value.findings]


async def batch_findings_of(body: bytes) -> list[tuple[str, tuple[Any, ...]]]:
    with pytest.raises(InvalidDocument) as error:
        await read_houses(body)
    return [(finding["type"], tuple(finding["loc"])) for finding in error.value.findings]


class TestOneHouse:
    def test_a_valid_house_is_parsed(self) -> None:
        assert values(read_house(house_bytes())) == values(house())

    @pytest.mark.parametrize("indent", [None, 0, 4])
    def test_whitespace_does_not_matter(self, indent: int | None) -> None:
        text = json.dumps(house_json(), indent=indent).encode()
        assert values(read_house(b" \r\n\t" + text + b"\n ")) == values(house())

    @pytest.mark.parametrize("key", ["alley", "poolQc", "mszoning", "lotFrontage"])
    def test_null_equals_an_absent_key(self, key: str) -> None:
        key = {"mszoning": "msZoning"}.get(key, key)
        given, left_out = read_house(house_bytes(**{key: None})), read_house(house_bytes(**{key: ABSENT}))
        assert values(given) == values(left_out)

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"street": "Dummy"}, ("literal_error", "street")),
            ({"street": None}, ("literal_error", "street")),
            ({"street": "pave"}, ("literal_error", "street")),
            ({"street": "Pave "}, ("literal_error", "street")),
            ({"street": ABSENT}, ("missing", "street")),
            ({"alley": "NA"}, ("literal_error", "alley")),
            ({"alley": ""}, ("literal_error", "alley")),
            ({"lotArea": "8450"}, ("float_type", "lotArea")),
            ({"lotArea": True}, ("float_type", "lotArea")),
            ({"lotArea": None}, ("float_type", "lotArea")),
            ({"lotArea": []}, ("float_type", "lotArea")),
            ({"lotArea": -1}, ("greater_than_equal", "lotArea")),
            ({"lotArea": 1e12}, ("less_than_equal", "lotArea")),
            ({"fullBath": 2.5}, ("int_from_float", "fullBath")),
            ({"fullBath": "2"}, ("int_type", "fullBath")),
            ({"fullBath": True}, ("int_type", "fullBath")),
            ({"fullBath": -1}, ("greater_than_equal", "fullBath")),
            ({"msSubClass": "20"}, ("literal_error", "msSubClass")),
            ({"msSubClass": 21}, ("literal_error", "msSubClass")),
            ({"overallQual": 11}, ("less_than_equal", "overallQual")),
            ({"overallQual": 0}, ("greater_than_equal", "overallQual")),
            ({"moSold": 13}, ("less_than_equal", "moSold")),
            ({"id": 0}, ("greater_than_equal", "id")),
            ({"id": -1}, ("greater_than_equal", "id")),
            ({"id": 2**63}, ("less_than_equal", "id")),
            ({"id": None}, ("int_type", "id")),
            ({"id": ABSENT}, ("missing", "id")),
            ({"LotArea": 8450}, ("extra_forbidden", "LotArea")),
            ({"lot_area": 8450}, ("extra_forbidden", "lot_area")),
            ({"1stFlrSF": 8450}, ("extra_forbidden", "1stFlrSF")),
        ],
        ids=str,
    )
    def test_an_invalid_field_is_rejected_by_name(self, changes: dict[str, Any], expected: tuple[str, str]) -> None:
        findings = findings_of(lambda: read_house(house_bytes(**changes)))
        assert [(loc, kind) for kind, loc in findings] in (
            [(("body", expected[1]), expected[0])],
            # Strict integers report `int_type` for 2.5.
            [(("body", expected[1]), "int_type")] if expected[0] == "int_from_float" else None,
        )

    @pytest.mark.parametrize("number", [1, 2**53 + 1, 2**63 - 1])
    def test_ids_of_any_size_are_kept_exactly(self, number: int) -> None:
        assert read_house(house_bytes(id=number)).id == number

    @pytest.mark.parametrize("rest", [{}, {"alley": ABSENT}], ids=["all keys", "without an optional key"])
    @pytest.mark.parametrize(
        ("key", "text", "number"),
        [
            *(("fullBath", "2.0", 2), ("fullBath", "2e0", 2), ("fullBath", "0.2E1", 2), ("fullBath", "-0.0", 0)),
            *(("fullBath", "200e-2", 2), ("fullBath", "2.000", 2), ("fullBath", "0e9", 0), ("msSubClass", "20.0", 20)),
            *(("msSubClass", "2e1", 20), ("overallQual", "1e+00", 1), ("garageCars", "2.0", 2), ("id", "1e3", 1000)),
            *(("id", "9007199254740993.0", 2**53 + 1), ("id", "9223372036854775807.0", 2**63 - 1)),
            *(
                ("id", "922337203685477580.7e1", 2**63 - 1),
                ("id", "9223372036854775807", 2**63 - 1),
                ("id", "1e18", 10**18),
            ),
        ],
    )
    def test_a_number_without_a_fractional_part_is_an_exact_integer(
        self, key: str, text: str, number: int, rest: dict[str, Any]
    ) -> None:
        read = read_house(house_bytes(**{key: "@"}, **rest).replace(b'"@"', text.encode()))
        field = next(name for name in House.model_fields if alias_of(name) == key)
        found = getattr(read, field)
        assert (found, type(found)) == (number, int)

    @pytest.mark.parametrize("rest", [{}, {"alley": ABSENT}], ids=["all keys", "without an optional key"])
    @pytest.mark.parametrize(
        "text", ["2.5", "2.0000001", '"2"', '"2.0"', "true", "1E400", "-1e400", "1e40", "1e400000000"]
    )
    @pytest.mark.parametrize("key", ["fullBath", "id", "msSubClass"])
    def test_any_other_value_is_no_integer(self, key: str, text: str, rest: dict[str, Any]) -> None:
        body = house_bytes(**{key: "@"}, **rest).replace(b'"@"', text.encode())
        assert [loc for _, loc in findings_of(lambda: read_house(body))] == [("body", key)]

    @pytest.mark.parametrize("number", [2**63, 2**64, 10**30])
    @pytest.mark.parametrize("form", ["{}", "{}.0", "{}e0"])
    def test_an_id_that_is_too_large_is_reported_with_its_limit(self, number: int, form: str) -> None:
        body = house_bytes(id="@").replace(b'"@"', form.format(number).encode())
        assert findings_of(lambda: read_house(body)) == [("less_than_equal", ("body", "id"))]

    def test_integers_are_exact_beside_invalid_fields(self) -> None:
        body = house_bytes(id="@", fullBath="#", street="x").replace(b'"@"', b"9007199254740993.0")
        assert findings_of(lambda: read_house(body.replace(b'"#"', b"2.0"))) == [("literal_error", ("body", "street"))]

    @pytest.mark.parametrize("body", [house_bytes(), house_bytes(alley=ABSENT), house_bytes(fullBath=2.0)])
    def test_a_byte_order_mark_is_skipped_at_the_start_only(self, body: bytes) -> None:
        assert read_house(b"\xef\xbb\xbf" + body).id == house().id
        assert findings_of(lambda: read_house(b"\xef\xbb\xbf" + body, is_start=False)) == [("json_invalid", ("body",))]

    @pytest.mark.parametrize("text", ["1.0", "a: 1.0, b", "[1.0]", "2e0"])
    def test_numbers_in_text_are_not_touched(self, text: str) -> None:
        body = house_bytes(street=text, fullBath=2.0)
        with pytest.raises(InvalidDocument) as error:
            read_house(body)
        assert [finding["input"] for finding in error.value.findings] == [text]

    def test_every_invalid_field_is_listed(self) -> None:
        findings = findings_of(lambda: read_house(house_bytes(street="x", lotArea="y", moSold=13, extra=1)))
        assert {loc[1] for _, loc in findings} == {"street", "lotArea", "moSold", "extra"}

    @pytest.mark.parametrize(
        "number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 400, "1" * 5_000, "-0.0000001"]
    )
    @pytest.mark.parametrize("key", ["lotArea", "fullBath", "id", "street", "unknown"])
    def test_nan_infinity_and_out_of_range_numbers_are_rejected(self, number: str, key: str) -> None:
        body = house_bytes(**{key: "@"}).replace(b'"@"', number.encode())
        assert findings_of(lambda: read_house(body))


WHOLE_JSON = house_bytes()

MALFORMED: dict[str, bytes] = {
    "a brace too few": WHOLE_JSON[:-1],
    "half": WHOLE_JSON[: len(WHOLE_JSON) // 2],
    "two documents": WHOLE_JSON + WHOLE_JSON,
    "rubbish behind it": WHOLE_JSON + b"x",
    "a trailing comma": WHOLE_JSON[:-1] + b",}",
    "a comment": b"/* a house */" + WHOLE_JSON,
    "single quotes": WHOLE_JSON.replace(b'"', b"'"),
    "a word": b"house",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf" + WHOLE_JSON,
    "a byte order mark inside": WHOLE_JSON.replace(b", ", b", \xef\xbb\xbf", 1),
    "a byte order mark behind it": WHOLE_JSON + b"\xef\xbb\xbf",
    "a byte order mark behind a space": b" \xef\xbb\xbf" + WHOLE_JSON,
    "a fraction without digits": WHOLE_JSON.replace(b'"lotArea": 11622', b'"lotArea": 11622.'),
    "a leading zero and a fraction": WHOLE_JSON.replace(b'"lotArea": 11622', b'"lotArea": 011622.0'),
    "a fraction behind an exponent": WHOLE_JSON.replace(b'"fullBath": 1', b'"fullBath": 1e0.0'),
    "two fractions": WHOLE_JSON.replace(b'"fullBath": 1', b'"fullBath": 1.0.0'),
    "UTF-16": WHOLE_JSON.decode().encode("utf-16"),
    "UTF-16 without a mark": WHOLE_JSON.decode().encode("utf-16-le"),
    "UTF-32": WHOLE_JSON.decode().encode("utf-32"),
    "Latin-1": WHOLE_JSON.replace(b'"Pave"', b'"\xe9"'),
    "a lone surrogate": WHOLE_JSON.replace(b'"Pave"', rb'"\ud800"'),
    "an overlong encoding": WHOLE_JSON.replace(b'"Pave"', b'"\xc0\xaf"'),
    "a control character": WHOLE_JSON.replace(b'"Pave"', b'"Pa\x00ve"'),
    "a null byte in front": b"\x00" + WHOLE_JSON,
    "a leading zero": WHOLE_JSON.replace(b'"lotArea": 11622', b'"lotArea": 011622'),
    "a plus": WHOLE_JSON.replace(b'"lotArea": 11622', b'"lotArea": +11622'),
    "hexadecimal": WHOLE_JSON.replace(b'"lotArea": 11622', b'"lotArea": 0x1622'),
    "deep nesting": b"[" * 100_000,
    "deep nesting in a field": WHOLE_JSON.replace(b'"Pave"', b"[" * 100_000 + b"]" * 100_000),
}


assert WHOLE_JSON.count(b'"fullBath": 1,') == 1


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_json_is_reported_as_such(name: str) -> None:
    assert findings_of(lambda: read_house(MALFORMED[name])) == [("json_invalid", ("body",))]


@pytest.mark.parametrize("name", MALFORMED)
async def test_malformed_json_is_rejected_in_batches_of_any_size(name: str) -> None:
    for count in (1, LARGE):
        body = b'{"data":[' + WHOLE_JSON + b"," + MALFORMED[name] + (b"," + WHOLE_JSON) * count + b"]}"
        assert await batch_findings_of(body) == [("json_invalid", ("body",))]


@pytest.mark.parametrize("body", [b"", b" ", b"\n\r\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
async def test_an_empty_body_is_reported_as_missing(body: bytes) -> None:
    assert findings_of(lambda: read_house(body)) == [("missing", ("body",))]
    assert await batch_findings_of(body) == [("missing", ("body",))]


@pytest.mark.parametrize("body", [b"null", b"[]", b"17", b'"x"', b"true"])
async def test_json_other_than_an_object_is_rejected(body: bytes) -> None:
    for findings in (findings_of(lambda: read_house(body)), await batch_findings_of(body)):
        ((kind, loc),) = findings
        assert loc == ("body",)
        assert kind in {"model_type", "model_attributes_type", "one_house_expected", "batch_expected"}


DUPLICATED = {
    "the first key": lambda text: text.replace(b'{"id"', b'{"id": 1, "id"', 1),
    "the last key": lambda text: text[:-1] + b', "saleCondition": "Normal"}',
    "a key in the middle": lambda text: text.replace(b'"street"', b'"street": "Grvl", "street"', 1),
    "the same value": lambda text: text.replace(b'"street"', b'"street": "Pave", "street"', 1),
    "a nullable key": lambda text: text.replace(b'"alley"', b'"alley": "Grvl", "alley"', 1),
    "written with an escape": lambda text: text.replace(b'"street"', rb'"stree\u0074": "Grvl", "street"', 1),
    "three times": lambda text: text.replace(b'"street"', b'"street": "Grvl", "street": "Pave", "street"', 1),
}


@pytest.mark.parametrize("change", DUPLICATED.values(), ids=DUPLICATED)
def test_a_duplicate_key_is_rejected(change: Callable[[bytes], bytes]) -> None:
    assert findings_of(lambda: read_house(change(house_bytes()))) == [("json_invalid", ("body",))]


@pytest.mark.parametrize("count", [SMALL, LARGE])
@pytest.mark.parametrize("position", ["first", "middle", "last"])
@pytest.mark.parametrize("change", DUPLICATED.values(), ids=DUPLICATED)
async def test_a_duplicate_key_is_rejected_in_any_house_of_a_batch(
    change: Callable[[bytes], bytes], position: str, count: int
) -> None:
    parts = [json.dumps(one).encode() for one in houses_json(count)]
    at = {"first": 0, "middle": count // 2, "last": count - 1}[position]
    parts[at] = change(parts[at])
    assert await batch_findings_of(b'{"data": [' + b", ".join(parts) + b"]}") == [
        ("json_invalid", ("body", "data", at))
    ]


@pytest.mark.parametrize("count", [SMALL, LARGE])
async def test_a_duplicate_data_key_is_rejected(count: int) -> None:
    body = batch_bytes(houses_json(count))
    twice = body[:-1] + b", " + body[1:]
    assert await batch_findings_of(twice) == [("json_invalid", ("body",))]
    assert await batch_findings_of(b'{"data": [], ' + body[1:]) == [("json_invalid", ("body",))]


class TestBatch:
    """A large batch is parsed in slices; the result must be the same as without."""

    @pytest.mark.parametrize("count", [1, 2, 38, 39, 40, 63, 64, 65, 128, 129, 500])
    async def test_houses_are_parsed_in_order(self, count: int) -> None:
        assert all_values(await read_houses(batch_bytes(houses_json(count)))) == all_values(houses(count))

    @pytest.mark.parametrize("changes", [{}, {"street": "Dummy"}], ids=["right", "wrong"])
    async def test_parsing_yields_to_other_requests_between_slices(self, changes: dict[str, Any]) -> None:
        body = batch_bytes([one | changes for one in houses_json(10 * LARGE)])

        async def read() -> None:
            with contextlib.suppress(InvalidDocument):
                await read_houses(body)

        assert await turns_during(read()) >= len(body) // SLICE_BYTES

    @pytest.mark.parametrize("indent", [None, 0, 1, 8])
    async def test_whitespace_does_not_matter(self, indent: int | None) -> None:
        text = json.dumps(batch_json(houses_json(LARGE)), indent=indent)
        assert all_values(await read_houses(f" \n\t\r{text}\r\n ".encode())) == all_values(houses(LARGE))

    async def test_compact_json_is_parsed(self) -> None:
        text = json.dumps(batch_json(houses_json(LARGE)), separators=(",", ":"))
        assert all_values(await read_houses(text.encode())) == all_values(houses(LARGE))

    async def test_keys_may_contain_json_escapes(self) -> None:
        body = batch_bytes(houses_json(LARGE)).replace(b'"data"', rb'"d\u0061ta"', 1)
        assert all_values(await read_houses(body)) == all_values(houses(LARGE))
        body = batch_bytes(houses_json(LARGE)).replace(b'"street"', rb'"stre\u0065t"')
        assert all_values(await read_houses(body)) == all_values(houses(LARGE))

    @pytest.mark.parametrize("count", [SMALL, LARGE])
    async def test_a_byte_order_mark_is_skipped_at_the_start(self, count: int) -> None:
        for body in (
            batch_bytes(houses_json(count)),
            batch_bytes(houses_json(count)).replace(b'"data"', rb'"d\u0061ta"'),
        ):
            assert all_values(await read_houses(b"\xef\xbb\xbf" + body)) == all_values(houses(count))

    @pytest.mark.parametrize("count", [SMALL, LARGE])
    @pytest.mark.parametrize("change", [{}, {"alley": ABSENT}], ids=["all keys", "without an optional key"])
    @pytest.mark.parametrize("key", [b'"data"', rb'"d\u0061ta"'], ids=["regular", "irregular"])
    @pytest.mark.parametrize("form", ["{}.0", "{}e0", "{}.0e0"])
    async def test_integers_may_have_a_fraction_of_zeros_in_any_house(
        self, form: str, key: bytes, change: dict[str, Any], count: int
    ) -> None:
        first = 2**63 - 1 - count
        documents = [
            house_json(id=f"@{form.format(first + n)}@", fullBath=f"@{form.format(2)}@", **change) for n in range(count)
        ]
        body = batch_bytes(documents).replace(b'"@', b"").replace(b'@"', b"").replace(b'"data"', key)
        found: list[Any] = list(await read_houses(body))
        assert [(one.id, one.full_bath) for one in found] == [(first + n, 2) for n in range(count)]
        assert {type(one.full_bath) for one in found} == {int}

    async def test_optional_keys_may_be_absent_in_some_houses(self) -> None:
        documents = [house_json(id=1 + n, alley=ABSENT if n % 2 else None) for n in range(LARGE)]
        assert [one.id for one in await read_houses(batch_bytes(documents))] == list(range(1, LARGE + 1))

    @staticmethod
    def invalid_batches() -> Iterator[tuple[str, bytes]]:
        for count in (SMALL, LARGE):
            good = houses_json(count)
            body = batch_bytes(good)
            last = count - 1
            for at in {0, 1, last}:
                entries: dict[str, Any] = {
                    "a wrong word": {**good[at], "street": "Dummy"},
                    "two wrong fields": {**good[at], "street": "Dummy", "lotArea": "1"},
                    "a missing key": {k: v for k, v in good[at].items() if k != "street"},
                    "an extra key": {**good[at], "extra": 1},
                    "an extra object": {**good[at], "extra": {"a": {"b": [1, 2]}}},
                    "an object for a word": {**good[at], "street": {"a": 1}},
                    "a brace in a word": {**good[at], "street": "}"},
                    "a colon in a word": {**good[at], "street": "::"},
                    "braces in a key": {**good[at], "}{": 1},
                    "an escaped quote": {**good[at], "street": '"}'},
                    "a list for a house": [],
                    "null for a house": None,
                    "a number for a house": 7,
                    "text for a house": "}",
                    "an empty house": {},
                    "houses in a house": {"data": good},
                }
                for name, entry in entries.items():
                    yield f"{name} at {at} of {count}", batch_bytes([*good[:at], entry, *good[at + 1 :]])
            yield f"all wrong of {count}", batch_bytes([{**one, "street": "x"} for one in good])
            yield f"extra key behind of {count}", body[:-1] + b', "extra": 1}'
            yield f"extra key in front of {count}", b'{"extra": 1, ' + body[1:]
            yield f"another key of {count}", body.replace(b'"data"', b'"houses"', 1)
            yield f"key in capitals of {count}", body.replace(b'"data"', b'"Data"', 1)
            yield f"only the list of {count}", json.dumps(good).encode()
            yield f"a list around of {count}", b"[" + body + b"]"
            yield f"a list in the list of {count}", json.dumps({"data": [good]}).encode()
            yield f"an object for the list of {count}", json.dumps({"data": {"0": good}}).encode()
            yield f"text for the list of {count}", json.dumps({"data": json.dumps(good)}).encode()
            yield f"null for the list of {count}", b'{"data": null' + b" " * (count * 1_000) + b"}"
            yield f"an empty list of {count}", b'{"data": [' + b" " * (count * 1_000) + b"]}"
            yield f"an empty object of {count}", b"{" + b" " * (count * 1_000) + b"}"

    async def test_a_batch_of_any_size_has_the_same_findings_as_pydantic(self) -> None:
        for name, body in self.invalid_batches():
            with pytest.raises(ValidationError) as expected:
                HouseBatch.model_validate_json(body)
            # In document order, so that both sides list the same first hundred.
            wanted = sorted(
                [(finding["type"], ("body", *finding["loc"])) for finding in expected.value.errors()][:MAX_FINDINGS]
            )
            found = sorted(await batch_findings_of(body))
            assert [loc for _, loc in found] == [loc for _, loc in wanted], name
            # pydantic has two names for the same error: one for JSON and one for Python objects.
            # A document for the other operation has an error of ours.
            same = {"model_attributes_type": "model_type", "batch_expected": "model_type"}
            assert [same.get(kind, kind) for kind, _ in found] == [same.get(kind, kind) for kind, _ in wanted], name

    @pytest.mark.parametrize("count", [SMALL, LARGE])
    @pytest.mark.parametrize(
        "change",
        [
            lambda body: body[:-1],
            lambda body: body[:-2],
            lambda body: body[:-2] + b",]}",
            lambda body: body[:-2] + b"}",
            lambda body: body[:-2] + b"]]}",
            lambda body: body + b"}",
            lambda body: body + b"\x00",
            lambda body: body + body,
            lambda body: body.replace(b"}, {", b"} {", 1),
            lambda body: body.replace(b"}, {", b"}, , {", 1),
            lambda body: body.replace(b"}, {", b"}; {", 1),
            lambda body: body.replace(b"[{", b"[, {", 1),
            lambda body: body.replace(b'{"data": ', b'{"data" ', 1),
            lambda body: body.replace(b'{"data"', b"{data", 1),
            lambda body: body[: len(body) // 2],
            lambda body: body.replace(b"}, {", b"}, {\x0b", 1),
            lambda body: body.replace(b"}, {", "},\u00a0{".encode(), 1),
            lambda body: body.replace(b"}, {", b"}, \xef\xbb\xbf{", 1),
            lambda body: b"\xef\xbb\xbf\xef\xbb\xbf" + body,
            lambda body: body + b"\xef\xbb\xbf",
        ],
    )
    async def test_a_malformed_batch_is_reported_as_such(self, change: Callable[[bytes], bytes], count: int) -> None:
        assert await batch_findings_of(change(batch_bytes(houses_json(count)))) == [("json_invalid", ("body",))]


class TestOverHttp:
    def test_ten_thousand_houses_are_priced_in_order(self, api: TestClient) -> None:
        answer = api.post(BATCH, content=batch_bytes(houses_json(10_000)))
        assert answer.status_code == 200
        assert [one["id"] for one in answer.json()["predictions"]] == list(range(1, 10_001))

    def test_ten_thousand_and_one_houses_are_rejected(self, api: TestClient) -> None:
        answer = api.post(BATCH, content=batch_bytes(houses_json(10_001)))
        assert answer.status_code == 422
        (finding,) = answer.json()["detail"]
        assert (finding["type"], finding["loc"]) == ("too_long", ["body", "data"])
        assert finding["ctx"]["max_length"] == 10_000

    def test_ten_thousand_and_one_houses_in_an_irregular_form_are_rejected(self, api: TestClient) -> None:
        body = batch_bytes(houses_json(10_001)).replace(b'"data"', rb'"d\u0061ta"', 1)
        (finding,) = api.post(BATCH, content=body).json()["detail"]
        assert (finding["type"], finding["loc"]) == ("json_invalid", ["body"])
        assert "byte 0" in finding["ctx"]["error"]

    def test_a_fully_invalid_batch_lists_the_first_findings_and_counts_the_others(self, api: TestClient) -> None:
        body = b'{"data":[' + b",".join([b"{}"] * 10_000) + b"]}"
        *listed, last = api.post(BATCH, content=body).json()["detail"]
        assert len(listed) == MAX_FINDINGS
        # A house has 46 required keys.
        assert last["ctx"]["omitted"] == 46 * 10_000 - MAX_FINDINGS

    def test_an_empty_batch_is_rejected(self, api: TestClient) -> None:
        (finding,) = api.post(BATCH, json={"data": []}).json()["detail"]
        assert (finding["type"], finding["loc"]) == ("too_short", ["body", "data"])

    @pytest.mark.parametrize(("path", "limit"), [(PREDICT, "max_predict_bytes"), (BATCH, "max_batch_bytes")])
    @pytest.mark.parametrize("is_length_known", [True, False])
    def test_a_body_over_the_limit_is_rejected(
        self, start_app: Callable[..., TestClient], path: str, limit: str, is_length_known: bool
    ) -> None:
        whole = house_bytes() if path == PREDICT else batch_bytes(houses_json(1))
        api = start_app("http://127.0.0.1:9", requests={limit: len(whole) - 1})
        body: Any = whole if is_length_known else iter([whole[:100], whole[100:]])
        answer = api.post(path, content=body)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["limitBytes"] == len(whole) - 1

    @pytest.mark.parametrize("is_length_known", [True, False])
    def test_a_body_at_the_limit_is_accepted(
        self, start_app: Callable[..., TestClient], stub: Any, is_length_known: bool
    ) -> None:
        whole = house_bytes()
        api = start_app(stub.url, requests={"max_predict_bytes": len(whole)})
        body: Any = whole if is_length_known else iter([whole[:100], b"", whole[100:]])
        assert api.post(PREDICT, content=body).status_code == 200

    @pytest.mark.parametrize(
        "declared",
        [
            "application/json",
            "application/json; charset=utf-8",
            "APPLICATION/JSON",
            "application/json;charset=UTF-8",
            "application/vnd.house+json",
            None,
        ],
    )
    def test_every_json_content_type_is_accepted(self, api: TestClient, declared: str | None) -> None:
        headers = {} if declared is None else {"content-type": declared}
        assert api.post(PREDICT, content=house_bytes(), headers=headers).status_code == 200

    @pytest.mark.parametrize("path", [PREDICT, BATCH])
    @pytest.mark.parametrize(
        "headers",
        [
            {"content-type": "text/plain"},
            {"content-type": "application/x-www-form-urlencoded"},
            {"content-type": "multipart/form-data; boundary=x"},
            {"content-type": "application/xml"},
            {"content-type": "text/json-but-not"},
            {"content-type": ""},
            {"content-type": "application/json", "content-encoding": "gzip"},
            {"content-type": "application/json", "content-encoding": "br"},
        ],
        ids=str,
    )
    def test_any_other_content_type_is_a_415(self, api: TestClient, path: str, headers: dict[str, str]) -> None:
        answer = api.post(path, content=house_bytes(), headers=headers)
        assert answer.status_code == 415
        assert answer.json()["type"] == "urn:housing-price:problem:unsupported-media-type"


@pytest.mark.parametrize("wrap", [lambda one: [one], lambda one: {"data": [one]}, lambda one: {"data": [], "x": one}])
def test_a_batch_for_one_house_is_told_where_to_go(api: TestClient, wrap: Callable[[Any], Any]) -> None:
    (finding,) = api.post(PREDICT, json=wrap(house_json())).json()["detail"]
    assert finding["msg"] == f"Send one house; for a list use POST {BATCH}"


@pytest.mark.parametrize("change", [{}, {"lotArea": "5"}, {"colour": "red"}])
def test_one_house_for_a_batch_is_told_where_to_go(api: TestClient, change: dict[str, Any]) -> None:
    for document in (house_json() | change, [house_json() | change]):
        (finding,) = api.post(BATCH, json=document).json()["detail"]
        assert finding["msg"] == f'Send {{"data": [house, ...]}}; for one house use POST {PREDICT}'


def test_a_large_batch_for_one_house_is_told_where_to_go(api: TestClient) -> None:
    for document in (houses_json(25), batch_json(houses_json(25))):
        (finding,) = api.post(PREDICT, json=document).json()["detail"]
        assert finding["msg"] == f"Send one house; for a list use POST {BATCH}"


def test_a_house_with_a_mistake_is_not_taken_for_a_batch(api: TestClient) -> None:
    findings = api.post(PREDICT, json=house_json() | {"data": 7}).json()["detail"]
    assert [one["type"] for one in findings] == ["extra_forbidden"]
    findings = api.post(BATCH, json={"datum": [house_json()]}).json()["detail"]
    assert {one["loc"][-1] for one in findings} == {"data", "datum"}


KEYS = b",".join(b'"k%d":1' % number for number in range(200_000))


class TestManyErrors:
    """The number and the size of listed errors are bounded, whatever the document."""

    @pytest.mark.parametrize("path", [PREDICT, BATCH])
    def test_a_house_with_more_keys_than_any_house_is_refused_at_once(self, api: TestClient, path: str) -> None:
        keys = KEYS if path == BATCH else KEYS[:60_000].rpartition(b",")[0]
        answer = api.post(path, content=b'{"data":[{' + keys + b"}]}" if path == BATCH else b"{" + keys + b"}")
        assert answer.status_code == 422
        assert [finding["type"] for finding in answer.json()["detail"]] == ["too_long"]

    async def test_each_house_of_a_batch_may_have_so_many_keys_only(self) -> None:
        for key in (b'"data"', rb'"d\u0061ta"'):
            body = b"{" + key + b":[" + WHOLE_JSON + b",{" + KEYS[:40_000].rpartition(b",")[0] + b"}]}"
            assert await batch_findings_of(body) == [("too_long", ("body", "data", 1))]

    @pytest.mark.parametrize(
        "entry",
        [
            b"{}",
            b'{"neighborhood":1,"exterior1St":1,"exterior2Nd":1}',
            b'{"%s":1}' % (b"k" * 300),
            b"1",
            b"null",
            b'""',
        ],
    )
    def test_the_answer_to_a_batch_of_invalid_houses_is_small(self, api: TestClient, entry: bytes) -> None:
        answer = api.post(BATCH, content=b'{"data":[' + b",".join([entry] * 10_000) + b"]}")
        assert answer.status_code == 422
        assert len(answer.content) < 40_000
        *listed, last = answer.json()["detail"]
        assert 40 < len(listed) <= MAX_FINDINGS
        assert last["ctx"]["omitted"] >= 10_000 - len(listed)
