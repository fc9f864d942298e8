"""The model server with a comparables model: answers like `mlflow models serve`, and serves either kind of export."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from httpx2 import Response
from mlflow.pyfunc import PyFuncModel, scoring_server
from starlette.testclient import TestClient

from housing_price_model.artefact.allowed_contents import open_export
from housing_price_model.reference.profile import cells_of
from housing_price_model.serving.scoring_app import create_app
from housing_price_model.survey.data import Houses
from housing_price_survey.columns import COLUMNS

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

KNOWN = ["Neighborhood", "GrLivArea", "OverallQual", "YearBuilt"]
AREA = COLUMNS.index("LotArea")


@pytest.fixture(scope="module")
def model(comparables_model: Path) -> PyFuncModel:
    loaded: PyFuncModel = mlflow.pyfunc.load_model(str(comparables_model))
    return loaded


@pytest.fixture(scope="module")
def stock(model: PyFuncModel) -> Iterator[TestClient]:
    """MLflow's own application."""
    with TestClient(scoring_server.init(model), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def ours(model: PyFuncModel) -> Iterator[TestClient]:
    with TestClient(create_app(model), raise_server_exceptions=False) as client:
        yield client


def rows_of(houses: Houses, count: int = 3) -> list[list[Any]]:
    return [list(row) for row in cells_of(houses.features.head(count))]


def document(rows: list[list[Any]], params: Any = "left out", columns: Any = COLUMNS) -> dict[str, Any]:
    split = {"dataframe_split": {"columns": list(columns), "data": rows}}
    return split if params == "left out" else split | {"params": params}


def ask(client: TestClient, content: Any) -> Response:
    return client.post("/invocations", json=content)


def check_equal(ours: TestClient, stock: TestClient, content: Any) -> Response:
    answer, expected = ask(ours, content), ask(stock, content)
    assert answer.status_code == expected.status_code
    assert answer.headers["content-type"] == expected.headers["content-type"]
    if answer.status_code == 200:
        assert answer.json() == expected.json()
    else:
        assert answer.text == expected.text
    return answer


@pytest.mark.parametrize("rows", [0, 1, 2, 33, 300])
def test_comparables_equal_those_of_the_stock_server(
    rows: int, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    answer = check_equal(ours, stock, document(rows_of(houses, rows)))
    assert answer.status_code == 200
    predictions = answer.json()["predictions"]
    assert len(predictions) == rows
    assert all(len(prediction["sales"]) == 6 for prediction in predictions)


PARAMS: dict[str, tuple[int, Any]] = {
    "none": (200, {}),
    "null": (200, None),
    "one sale": (200, {"k": 1}),
    "most sales": (200, {"k": 50}),
    "known": (200, {"known": KNOWN}),
    "nothing known": (200, {"known": []}),
    "all": (200, {"k": 20, "known": KNOWN}),
    "unknown parameter": (200, {"k": 2, "other": 1}),
    "a string": (200, "x"),
    "no sale": (400, {"k": 0}),
    "too many sales": (400, {"k": 51}),
    "sales as text": (400, {"k": "6"}),
    "sales as a fraction": (400, {"k": 1.5}),
    "sales as a truth value": (400, {"k": True}),
    "sales as null": (400, {"k": None}),
    "known as text": (400, {"known": "GrLivArea"}),
    "known as numbers": (400, {"known": [1]}),
    "known in lists": (400, {"known": [["GrLivArea"]]}),
    "unknown column": (400, {"known": ["grLivArea"]}),
    "known outside the distance": (400, {"known": ["PoolArea"]}),
}


@pytest.mark.parametrize("name", PARAMS)
def test_parameters_are_answered_like_the_stock_server_does(
    name: str, ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    status, params = PARAMS[name]
    if name == "a string":
        # MLflow raises a TypeError for them: only the status counts.
        assert ask(ours, document(rows_of(houses), params)).status_code in {200, 400, 500}
        return
    assert check_equal(ours, stock, document(rows_of(houses), params)).status_code == status


def test_columns_that_are_not_known_may_be_null_or_left_out(
    ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    full = rows_of(houses, 5)
    blank = [[cell if name in KNOWN else None for name, cell in zip(COLUMNS, row, strict=True)] for row in full]
    short = [[cell for name, cell in zip(COLUMNS, row, strict=True) if name in KNOWN] for row in full]
    names = [name for name in COLUMNS if name in KNOWN]
    answers = [
        check_equal(ours, stock, content)
        for content in (document(blank, {"known": KNOWN}), document(short, {"known": KNOWN}, names))
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert check_equal(ours, stock, document(blank)).status_code == 400


def test_other_formats_are_answered_like_the_stock_server_does(
    ours: TestClient, stock: TestClient, houses: Houses
) -> None:
    records = [dict(zip(COLUMNS, row, strict=True)) for row in rows_of(houses)]
    expected = ask(ours, document(rows_of(houses))).json()
    assert check_equal(ours, stock, {"dataframe_records": records}).json() == expected
    check_equal(ours, stock, {"dataframe_records": records, "params": {"k": 2}})
    check_equal(ours, stock, {"instances": records})
    content = houses.features.head(3).to_csv(index=False).encode()
    answers = [
        client.post("/invocations", content=content, headers={"content-type": "text/csv"}) for client in (ours, stock)
    ]
    assert answers[0].json() == answers[1].json() == expected


@pytest.mark.parametrize("value", ["many", "8450", True, None, [1.0], {}])
def test_invalid_number_is_refused(value: Any, ours: TestClient, houses: Houses) -> None:
    rows = rows_of(houses)
    rows[1][AREA] = value
    answer = ask(ours, document(rows))
    assert answer.status_code == 400
    assert "LotArea" in answer.text


def test_call_with_parameters_is_not_parsed_by_mlflow(
    ours: TestClient, houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("MLflow parsed the body")

    monkeypatch.setattr(scoring_server, "invocations", refuse)
    assert ask(ours, document(rows_of(houses), {"k": 20, "known": KNOWN})).status_code == 200


def test_ping_health_and_version_answer_and_there_are_no_ranges(ours: TestClient, stock: TestClient) -> None:
    for path in ("/ping", "/health", "/version"):
        assert ours.get(path).status_code == stock.get(path).status_code == 200
        assert ours.get(path).text == stock.get(path).text
    assert ours.get("/ranges").status_code == 404


def test_loading_comparables_imports_no_library_of_the_price_model(export: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import housing_price_model.serving.server as server\n"
        f"with server.load_checked({str(export / 'comparables')!r}, '') as (model, name, version):\n"
        "    print(name, version, sorted({'onnx', 'onnxruntime', 'sklearn', 'matplotlib'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stdout == "housing-comparables 1 []\n", done.stderr


def test_export_of_comparables_is_opened_as_its_kind(export: Path) -> None:
    with open_export(export / "comparables") as (manifest, folder):
        assert manifest.name == "housing-comparables"
        assert (folder / "served_comparables.py").exists()
