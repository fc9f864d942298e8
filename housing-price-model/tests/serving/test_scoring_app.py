"""The scoring application answers like `mlflow models serve`, and leaves MLflow's modules unchanged."""

import io
import json
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pandas
import pytest
from httpx2 import Response
from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.pyfunc import PyFuncModel, scoring_server
from pandas._libs.parsers import STR_NA_VALUES  # type: ignore[import-not-found]  # pandas has no public list
from starlette.testclient import TestClient

from housing_price_model.artefact.export import MODEL
from housing_price_model.serving import fast_scoring, scoring_app
from housing_price_model.serving.scoring_app import create_app
from housing_price_model.survey.data import Houses
from housing_price_survey.columns import CATEGORIES, COLUMNS, OPTIONAL

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
AREA, FRONTAGE = COLUMNS.index("LotArea"), COLUMNS.index("LotFrontage")

type Cells = list[list[Any]]
type Split = dict[str, Any]
type Change = Callable[[Cells], object]


@pytest.fixture(scope="module")
def model(export: Path) -> PyFuncModel:
    loaded: PyFuncModel = mlflow.pyfunc.load_model(str(export / MODEL))
    return loaded


@pytest.fixture(scope="module")
def stock(model: PyFuncModel) -> Iterator[TestClient]:
    """MLflow's own application."""
    with client_of(scoring_server.init(model)) as client:
        yield client


@pytest.fixture(scope="module")
def ours(model: PyFuncModel) -> Iterator[TestClient]:
    with client_of(create_app(model)) as client:
        yield client


def client_of(app: Any) -> TestClient:
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


def cells(houses: Houses, rows: int = 3) -> Cells:
    frame = houses.features.head(rows).astype(object)
    found: Cells = frame.where(frame.notna(), None).to_numpy().tolist()
    return found


def records(rows: Cells) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def split(rows: Any, columns: Any = COLUMNS, **more: Any) -> dict[str, Split]:
    return {"dataframe_split": {"columns": columns, "data": rows} | more}


def with_value(rows: Cells, at: int, value: Any) -> Cells:
    return [*rows[:-1], [*rows[-1][:at], value, *rows[-1][at + 1 :]]]


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def ask(client: TestClient, content: bytes, content_type: str | None = JSON) -> Response:
    headers = {} if content_type is None else {"content-type": content_type}
    return client.post("/invocations", content=content, headers=headers)


def seen(response: Response) -> tuple[int, list[tuple[str, str]], object]:
    """The answer as a caller sees it: status, headers and content; prices by their values, so without their length."""
    headers = sorted(response.headers.multi_items())
    if response.status_code != 200 or not response.text.startswith('{"predictions"'):
        return response.status_code, headers, response.text
    without_length = [header for header in headers if header[0] != "content-length"]
    return response.status_code, without_length, response.json()


def check_equal(ours: TestClient, stock: TestClient, content: bytes, content_type: str | None = JSON) -> Response:
    answer = ask(ours, content, content_type)
    assert seen(answer) == seen(ask(stock, content, content_type))
    return answer


@pytest.mark.parametrize("rows", [0, 1, 2, 33, 1_000])
def test_prices_equal_those_of_the_stock_server_bit_for_bit(
    rows: int, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    answer = check_equal(ours, stock, body(split(cells(houses, rows))))
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == rows


def test_blank_and_absent_optional_columns_are_priced_like_the_stock_server_does(
    ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    rows = cells(houses)
    blank = [[None if name in OPTIONAL else cell for name, cell in zip(COLUMNS, row, strict=True)] for row in rows]
    kept = [at for at, name in enumerate(COLUMNS) if name not in OPTIONAL]
    absent = split([[row[at] for at in kept] for row in rows], [COLUMNS[at] for at in kept])
    answers = [check_equal(ours, stock, body(document)) for document in (split(blank), absent)]
    assert answers[0].status_code == 200
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("spelling", ["NaN", "-0", "1e2", "65.00000000000000000001", "18446744073709551616"])
def test_numbers_are_parsed_like_the_stock_server(
    spelling: str, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    content = body(split(with_value(cells(houses), FRONTAGE, "here"))).replace(b'"here"', spelling.encode())
    assert check_equal(ours, stock, content).status_code == 200


@pytest.mark.parametrize("spelling", ["1e999", "Infinity", "-Infinity", "01", "1" * 5_000])
def test_unusual_numbers_are_treated_like_the_stock_server_does(
    spelling: str, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    content = body(split(with_value(cells(houses), FRONTAGE, "here"))).replace(b'"here"', spelling.encode())
    check_equal(ours, stock, content)


SPLITS: dict[str, tuple[int, Change]] = {
    "columns in another order": (200, lambda rows: split([row[::-1] for row in rows], COLUMNS[::-1])),
    "unknown column": (200, lambda rows: split([[*row, 1] for row in rows], [*COLUMNS, "more"])),
    "index": (200, lambda rows: split(rows, index=[0, 1, 2])),
    "index of strings": (200, lambda rows: split(rows, index=["a", "a", "b"])),
    "index of null": (200, lambda rows: split(rows, index=None)),
    "index of different types": (200, lambda rows: split(rows, index=[0, "a", None])),
    "index too short": (400, lambda rows: split(rows, index=[0])),
    "index is a number": (400, lambda rows: split(rows, index=7)),
    "index of lists": (400, lambda rows: split(rows, index=[[0, 1], [0, 2], [0, 3]])),
    "unknown key": (400, lambda rows: split(rows, more=1)),
    "no columns": (400, lambda rows: {"dataframe_split": {"data": rows}}),
    "no data": (400, lambda _: {"dataframe_split": {"columns": COLUMNS}}),
    "columns are null": (400, lambda rows: split(rows, None)),
    "columns are a string": (400, lambda _: split([[1, 2]], "ab")),
    "columns are numbers": (400, lambda _: split([[1, 2]], [1, 2])),
    "columns are lists": (400, lambda _: split([[1, 2]], [["a", "b"]])),
    "zero columns": (400, lambda _: split([], [])),
    "zero columns, two rows": (400, lambda _: split([[], []], [])),
    "column is missing": (400, lambda rows: split([row[1:] for row in rows], COLUMNS[1:])),
    "name twice": (400, lambda rows: split(rows, ["MSZoning", *COLUMNS[1:]])),
    "column twice": (400, lambda rows: split([[*row, row[0]] for row in rows], [*COLUMNS, COLUMNS[0]])),
    "data are null": (200, lambda _: split(None)),
    "data are an object": (200, lambda _: split({})),
    "data are a string": (400, lambda _: split("x")),
    "rows are objects": (200, lambda rows: split(records(rows))),
    "row is null": (400, lambda rows: split([*rows, None])),
    "row is a string": (400, lambda _: split(["row"])),
    "row too short": (400, lambda rows: split([*rows, rows[0][:-1]])),
    "row too long": (400, lambda rows: split([*rows, [*rows[0], 1]])),
    "all rows too short": (400, lambda rows: split([row[:-1] for row in rows])),
    "all values are lists": (400, lambda rows: split([[[cell] for cell in rows[0]]])),
    "unknown word": (400, lambda rows: split(with_value(rows, COLUMNS.index("MSZoning"), "Nowhere"))),
    "word is a number": (400, lambda rows: split(with_value(rows, COLUMNS.index("MSZoning"), 7))),
    "number is a word": (400, lambda rows: split(with_value(rows, AREA, "many"))),
    "number is empty": (400, lambda rows: split(with_value(rows, AREA, ""))),
    "number is a list": (400, lambda rows: split(with_value(rows, AREA, [20.0]))),
    "number is an object": (400, lambda rows: split(with_value(rows, AREA, {}))),
    "number is too large": (400, lambda rows: split(with_value(rows, AREA, 10**400))),
    "required number is null": (400, lambda rows: split(with_value(rows, AREA, None))),
    "parameters": (200, lambda rows: split(rows) | {"params": {"a": 1}}),
    "no parameters": (200, lambda rows: split(rows) | {"params": None}),
    "parameters are a string": (200, lambda rows: split(rows) | {"params": "x"}),
    "another key": (200, lambda rows: split(rows) | {"more": 1}),
    "two formats": (400, lambda rows: split(rows) | {"dataframe_records": records(rows)}),
    "messages of a language model": (400, lambda rows: split(rows) | {"messages": []}),
}


@pytest.mark.parametrize("name", SPLITS)
def test_each_dataframe_split_is_answered_like_the_stock_server_does(
    name: str, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    status, change = SPLITS[name]
    assert check_equal(ours, stock, body(change(cells(houses)))).status_code == status


TYPE, VENEER_AREA = COLUMNS.index("MasVnrType"), COLUMNS.index("MasVnrArea")
READ_AS_MISSING = sorted((name, word) for name, words in CATEGORIES.items() for word in words if word in STR_NA_VALUES)
"""Words of the survey that pandas, and with it MLflow, reads as a missing value in CSV."""


def columnar(rows: Cells) -> dict[str, list[Any]]:
    return {name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}


def known(rows: Cells) -> list[dict[str, Any]]:
    """Records without the blank cells, which `instances` and `inputs` of MLflow do not take."""
    return [without_blanks(record) for record in records(rows)]


def csv_of(rows: Cells) -> bytes:
    return pandas.DataFrame(rows, columns=list(COLUMNS)).to_csv(index=False).encode()


def parquet_of(rows: Cells) -> bytes:
    content = io.BytesIO()
    pandas.DataFrame(rows, columns=list(COLUMNS)).to_parquet(content)
    return content.getvalue()


ALL_FORMATS: dict[str, tuple[str, Callable[[Cells], bytes]]] = {
    "dataframe_split": (JSON, lambda rows: body(split(rows))),
    "dataframe_split with an index": (JSON, lambda rows: body(split(rows, index=list(range(len(rows)))))),
    "dataframe_records": (JSON, lambda rows: body({"dataframe_records": records(rows)})),
    "dataframe_records without blanks": (JSON, lambda rows: body({"dataframe_records": known(rows)})),
    "instances, by row": (JSON, lambda rows: body({"instances": records(rows)})),
    "instances, by row, without blanks": (JSON, lambda rows: body({"instances": known(rows)})),
    "instances, by column": (JSON, lambda rows: body({"instances": columnar(rows)})),
    "instances as lists": (JSON, lambda rows: body({"instances": rows})),
    "inputs, by column": (JSON, lambda rows: body({"inputs": columnar(rows)})),
    "inputs, by row": (JSON, lambda rows: body({"inputs": records(rows)})),
    "inputs, by row, without blanks": (JSON, lambda rows: body({"inputs": known(rows)})),
    "inputs, one row": (JSON, lambda rows: body({"inputs": known(rows)[0]})),
    "CSV": (CSV, csv_of),
    "Parquet": (PARQUET, parquet_of),
}
PARAMS: tuple[Any, ...] = ("left out", None, {"a": 1}, "x")


def with_params(content: bytes, params: Any) -> bytes:
    if params == "left out":
        return content
    return body(json.loads(content) | {"params": params})


@pytest.mark.parametrize("params", PARAMS, ids=str)
@pytest.mark.parametrize("name", ALL_FORMATS)
def test_every_format_is_answered_like_the_stock_server_does(
    name: str, params: Any, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    content_type, write = ALL_FORMATS[name]
    if content_type != JSON and params != "left out":
        pytest.skip("only JSON has parameters")
    for rows in (1, 2, 5):
        found = cells(houses, rows)
        mixed = [[*row[:TYPE], kind, *row[TYPE + 1 :]] for row, kind in zip(found, KINDS, strict=False)]
        for given in (found, mixed):
            check_equal(ours, stock, with_params(write(given), params), content_type)


KINDS = (None, "None", "Stone", None, "None")


@pytest.mark.parametrize("area", [0, 0.0, None])
@pytest.mark.parametrize("name", ALL_FORMATS)
def test_house_without_masonry_has_one_price_in_every_format(
    name: str, area: float | None, ours: TestClient, houses: Houses
) -> None:
    content_type, write = ALL_FORMATS[name]
    plain = with_value(with_value(cells(houses, 1), TYPE, "None"), VENEER_AREA, 0)
    expected = ask(ours, body(split(plain))).json()
    answers = []
    for kind in ("None", None):
        rows = with_value(with_value(plain, TYPE, kind), VENEER_AREA, area)
        answers.append(ask(ours, write(rows), content_type))
    taken = [answer for answer in answers if answer.status_code == 200]
    assert [answer.json() for answer in taken] == [expected] * len(taken)
    # Formats of MLflow that accept no blank cell price none of these rows.
    takes_blanks = not name.startswith(("instances", "inputs")) or "without" in name or name == "inputs, one row"
    assert len(taken) == 2 or not takes_blanks


def test_only_the_veneer_has_a_word_that_tools_read_as_missing() -> None:
    assert READ_AS_MISSING == [("MasVnrType", "None")]


def without_blanks(row: dict[str, Any]) -> dict[str, Any]:
    return {name: cell for name, cell in row.items() if cell is not None}


FORMATS: dict[str, tuple[int, Change]] = {
    "records": (200, lambda rows: {"dataframe_records": records(rows)}),
    "records, numbers as strings": (200, lambda rows: {"dataframe_records": records(with_value(rows, AREA, "8450"))}),
    "records with parameters": (200, lambda rows: {"dataframe_records": records(rows), "params": {"a": 1}}),
    "records: none": (400, lambda _: {"dataframe_records": []}),
    "records: an object": (400, lambda rows: {"dataframe_records": records(rows)[0]}),
    "records without a column": (400, lambda rows: {"dataframe_records": [{"LotArea": row[AREA]} for row in rows]}),
    "instances": (200, lambda rows: {"instances": [without_blanks(records(rows)[0])]}),
    "instances with blanks": (400, lambda rows: {"instances": records(rows)}),
    "instances as lists": (400, lambda rows: {"instances": rows}),
    "instances: none": (400, lambda _: {"instances": []}),
    "inputs": (200, lambda rows: {"inputs": {k: [v] for k, v in without_blanks(records(rows)[0]).items()}}),
    "inputs with blanks": (400, lambda rows: {"inputs": dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))}),
    "inputs with a signature": (400, lambda rows: {"inputs": rows, "signature_name": "x"}),
    "messages": (400, lambda _: {"messages": [{"role": "user", "content": "x"}]}),
    "input of a language model": (400, lambda _: {"input": "x"}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_other_json_formats_are_answered_like_the_stock_server_does(
    name: str, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    status, change = FORMATS[name]
    assert check_equal(ours, stock, body(change(cells(houses)))).status_code == status


def test_csv_is_answered_like_the_stock_server_does(ours: TestClient, stock: TestClient, houses: Houses) -> None:
    frame = houses.features.head(3)
    content = frame.to_csv(index=False).encode()
    assert check_equal(ours, stock, content, CSV).status_code == 200
    assert check_equal(ours, stock, content, f"{CSV}; charset=utf-8").status_code == 200
    without_area = frame.drop(columns="LotArea").to_csv(index=False).encode()
    for wrong in (b"", b"\xff", b"a,b\n1,2,3\n4\n", without_area, content.replace(b"31770", b"many")):
        assert check_equal(ours, stock, wrong, CSV).status_code == 400


def test_parquet_is_answered_like_the_stock_server_does(ours: TestClient, stock: TestClient, houses: Houses) -> None:
    content = io.BytesIO()
    houses.features.head(3).to_parquet(content)
    assert check_equal(ours, stock, content.getvalue(), PARQUET).status_code == 200
    assert check_equal(ours, stock, b"x", PARQUET).status_code == 400


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"7", b"null", b'"x"', b"{}", b"\xff", b"\x00", b'{"columns": []}', b"\xef\xbb\xbf{}"),
        *(b'{"dataframe_split": 7}', b'{"dataframe_split": null}', b'{"dataframe_split": []}'),
        *(b'{"dataframe_split": {}}', b'{"dataframe_split": {"columns": ["a"], "data": [[1]]}', b"{} x"),
    ],
)
def test_malformed_body_is_refused_like_the_stock_server_does(
    content: bytes, ours: TestClient, stock: TestClient
) -> None:
    assert check_equal(ours, stock, content).status_code == 400


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000])
def test_deeply_nested_body_is_refused_like_the_stock_server_does(
    content: bytes, ours: TestClient, stock: TestClient
) -> None:
    assert check_equal(ours, stock, content).status_code >= 400


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b" \n" + content + b"\n ",
        lambda content: content.decode().encode("utf-16"),
        lambda content: content.decode().encode("utf-8-sig"),
        lambda content: content.replace(b'"data"', b'"data": 7, "data"'),
        lambda content: b'{"dataframe_split": 7, ' + content[1:],
    ],
    ids=["white space", "UTF-16", "byte order mark", "data twice", "format twice"],
)
def test_unusual_json_is_priced_like_the_stock_server_does(
    change: Callable[[bytes], bytes], ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    assert check_equal(ours, stock, change(body(split(cells(houses))))).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        *((kind, 200) for kind in (f"{JSON};charset=utf-8", f"{JSON}; charset=UTF-8", f" {JSON} ")),
        (f"{JSON}; charset=utf-8; charset=utf-8", 200),
        (f"{JSON}; charset=latin-1; charset=utf-8", 200),
        *((f"{JSON}{more}", 415) for more in ("; charset=latin-1", "; charset = utf-8", '; charset="utf-8"')),
        *((f"{JSON}{more}", 415) for more in (";", "; more=1", "; Charset=utf-8", ", text/csv")),
        *((kind, 415) for kind in ("APPLICATION/JSON", "text/plain", "", "multipart/form-data; boundary=x")),
        (f"{CSV}; header=present", 415),
        (None, 500),
    ],
)
def test_content_types_are_treated_like_the_stock_server_does(
    content_type: str | None, status: int, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    assert check_equal(ours, stock, body(split(cells(houses))), content_type).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        *("/ping", "/health", "/version", "/invocations", "/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"),
        *("/", "/nothing", "/ping/", "/invocations/", "//invocations", "/INVOCATIONS", "/%69nvocations"),
        "/invocations?a=1",
    ],
)
def test_each_route_answers_each_method_like_the_stock_server_does(
    path: str, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    content = body(split(cells(houses, 1)))
    for method in METHODS:
        answers = [
            client.request(method, path, content=content, headers={"content-type": JSON}) for client in (ours, stock)
        ]
        assert seen(answers[0]) == seen(answers[1]), method


def test_ping_health_and_version_answer(ours: TestClient) -> None:
    assert [ours.get(path).status_code for path in ("/ping", "/health", "/version")] == [200, 200, 200]
    assert ours.get("/version").text == mlflow.__version__


def test_time_limit_is_that_of_the_stock_server(
    model: PyFuncModel, houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.name, "0")
    with client_of(create_app(model)) as ours, client_of(scoring_server.init(model)) as stock:
        for content_type in (JSON, CSV):
            assert check_equal(ours, stock, body(split(cells(houses))), content_type).status_code == 504


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("wrong", ["8450", "20", "", "NaN", True, False, {}, 10**400])
@pytest.mark.parametrize("column", ["LotArea", "LotFrontage", "MSSubClass"])
def test_strings_and_booleans_are_rejected_as_numbers(
    column: str, wrong: Any, rows: int, ours: TestClient, houses: Houses
) -> None:
    answer = ask(ours, body(split(with_value(cells(houses, rows), COLUMNS.index(column), wrong))))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == JSON
    assert answer.json().keys() >= {"error_code", "message"}


def test_strings_are_rejected_as_numbers_beside_a_literal_nan(ours: TestClient, houses: Houses) -> None:
    content = body(split(with_value(cells(houses), AREA, "8450")))
    assert b"null" in content
    assert ask(ours, content.replace(b"null", b"NaN")).status_code == 400


def test_dataframe_split_is_not_parsed_by_mlflow(
    ours: TestClient, houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring_server, "_decode_json_input", None)
    answer = ask(ours, body(split(cells(houses))))
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == 3


def is_of_this_package(value: object) -> bool:
    module = getattr(value, "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] == "housing_price_model"


def test_import_and_application_leave_the_modules_of_mlflow_unchanged(model: PyFuncModel, houses: Houses) -> None:
    def modules_of_mlflow() -> dict[str, ModuleType]:
        return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "mlflow"}

    before = {name: dict(vars(module)) for name, module in modules_of_mlflow().items()}
    # Runs the code of each module again, as its first import does.
    runpy.run_path(fast_scoring.__file__)
    app = runpy.run_path(scoring_app.__file__)["create_app"](model)
    with client_of(app) as client:
        assert ask(client, body(split(cells(houses)))).status_code == 200
    assert scoring_server.__name__ in before
    for name, module in modules_of_mlflow().items():
        now = vars(module)
        changed = [attribute for attribute, value in before.get(name, {}).items() if now.get(attribute) is not value]
        assert changed == [], name
        ours = [attribute for attribute, value in now.items() if is_of_this_package(value)]
        assert ours == [], name
