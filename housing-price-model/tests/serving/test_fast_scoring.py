"""Fast scoring gives the same answers as MLflow's stock scoring server."""

import io
import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, scoring_server

from housing_price_model.artefact.export import MODEL
from housing_price_model.serving.fast_scoring import DirectModel, Rows, create_app, parse, write
from housing_price_model.survey.data import Houses
from housing_price_model.survey.vocabulary import COLUMNS, OPTIONAL

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

JSON = "application/json"


@pytest.fixture(scope="module")
def stock(export: Path) -> PyFuncModel:
    return mlflow.pyfunc.load_model(str(export / MODEL))


@pytest.fixture
def direct(stock: PyFuncModel, monkeypatch: pytest.MonkeyPatch) -> DirectModel:
    # Undo the patches of `create_app` after the test.
    for name in ("_parse_json_data", "predictions_to_json"):
        monkeypatch.setattr(scoring_server, name, getattr(scoring_server, name))
    return DirectModel(stock)


def body(rows: list[list[Any]], columns: list[str] | None = None) -> bytes:
    return json.dumps({"dataframe_split": {"columns": columns or list(COLUMNS), "data": rows}}).encode()


def cells(houses: Houses, rows: int) -> list[list[Any]]:
    frame = houses.features.head(rows).astype(object)
    found: list[list[Any]] = frame.where(frame.notna(), None).to_numpy().tolist()
    return found


def ask(model: Any, schema: Any, content: bytes) -> Any:
    return json.loads(scoring_server.invocations(content, JSON, model, schema).response)


@pytest.mark.parametrize("rows", [1, 2, 33, 1_000])
def test_answers_equal_those_of_the_stock_server_bit_for_bit(
    rows: int, stock: PyFuncModel, direct: DirectModel, houses: Houses
) -> None:
    content = body(cells(houses, rows))
    expected = ask(stock, stock.metadata.get_input_schema(), content)
    create_app(direct)
    assert ask(direct, direct.metadata.get_input_schema(), content) == expected
    assert len(expected["predictions"]) == rows


def test_blank_and_absent_optional_columns_are_priced_like_the_stock_server_does(
    stock: PyFuncModel, direct: DirectModel, houses: Houses
) -> None:
    row = cells(houses, 1)[0]
    blank = body([[None if name in OPTIONAL else cell for name, cell in zip(COLUMNS, row, strict=True)]])
    kept = [at for at, name in enumerate(COLUMNS) if name not in OPTIONAL]
    absent = body([[row[at] for at in kept]], [COLUMNS[at] for at in kept])
    expected = ask(stock, stock.metadata.get_input_schema(), blank)
    create_app(direct)
    assert ask(direct, None, blank) == expected
    assert ask(direct, None, absent) == expected


@pytest.mark.parametrize(
    "spoil",
    [
        lambda columns, row: (columns[1:], row[1:]),
        lambda columns, row: (columns, row[1:]),
        lambda columns, row: (["MSZoning", *columns[1:]], row),
        lambda columns, row: (columns, [20.0, "Nowhere", *row[2:]]),
        lambda columns, row: (columns, ["many", *row[1:]]),
        lambda columns, row: (columns, [[20.0], *row[1:]]),
        lambda columns, _: (columns, "row"),
        lambda _, row: (7, row),
    ],
    ids=[
        "a column missing",
        "a value missing",
        "a name twice",
        "an unknown word",
        "text",
        "a list",
        "no row",
        "no names",
    ],
)
def test_invalid_rows_are_a_client_error(spoil: Any, direct: DirectModel, houses: Houses) -> None:
    columns, row = spoil(list(COLUMNS), cells(houses, 1)[0])
    create_app(direct)
    with pytest.raises(MlflowException) as refused:
        ask(direct, None, json.dumps({"dataframe_split": {"columns": columns, "data": [row]}}).encode())
    assert refused.value.get_http_status_code() == 400


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("wrong", ["8450", "20", "", "NaN", True, False, {}, 10**400])
@pytest.mark.parametrize("column", ["LotArea", "LotFrontage", "MSSubClass"])
def test_strings_and_booleans_are_rejected_as_numbers(
    column: str, wrong: Any, rows: int, direct: DirectModel, houses: Houses
) -> None:
    table = cells(houses, rows)
    table[-1][COLUMNS.index(column)] = wrong
    create_app(direct)
    with pytest.raises(MlflowException) as refused:
        ask(direct, None, body(table))
    assert refused.value.get_http_status_code() == 400


def test_other_formats_are_parsed_by_mlflow(stock: PyFuncModel, direct: DirectModel, houses: Houses) -> None:
    frame = houses.features.head(3)
    records = json.dumps({"dataframe_records": json.loads(frame.to_json(orient="records"))}).encode()
    schema = stock.metadata.get_input_schema()
    expected = ask(stock, schema, records)
    create_app(direct)
    assert ask(direct, None, records) == expected
    assert isinstance(parse(records, direct.metadata).data, pd.DataFrame)


def test_dataframe_split_is_not_parsed_by_mlflow(
    direct: DirectModel, houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_app(direct)
    monkeypatch.setattr(scoring_server, "_decode_json_input", None)
    assert len(ask(direct, None, body(cells(houses, 3)))["predictions"]) == 3


@pytest.mark.parametrize("spelling", ["NaN", "-0", "1e2", "65.00000000000000000001", "18446744073709551616"])
def test_numbers_are_parsed_like_the_stock_server(
    spelling: str, stock: PyFuncModel, direct: DirectModel, houses: Houses
) -> None:
    row = cells(houses, 1)[0]
    row[COLUMNS.index("LotFrontage")] = "here"
    content = body([row]).replace(b'"here"', spelling.encode())
    expected = ask(stock, stock.metadata.get_input_schema(), content)
    create_app(direct)
    assert ask(direct, None, content) == expected


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b'{"dataframe_split": 7}', b"\xff", b'{"columns": []}'])
def test_malformed_body_is_a_client_error(content: bytes, direct: DirectModel) -> None:
    create_app(direct)
    with pytest.raises(MlflowException) as refused:
        ask(direct, None, content)
    assert refused.value.get_http_status_code() == 400


def test_output_that_is_no_data_frame_is_written_by_mlflow() -> None:
    output = io.StringIO()
    write([1.5, 2.5], output)
    assert json.loads(output.getvalue()) == {"predictions": [1.5, 2.5]}


def test_rows_keep_their_values() -> None:
    rows = Rows(["a", "b"], [[1, None], ["x", 2.5]])
    assert len(rows) == 2
    assert rows.to_numpy(dtype=object).tolist() == [[1, None], ["x", 2.5]]
    assert len(Rows(["a"], [])) == 0
