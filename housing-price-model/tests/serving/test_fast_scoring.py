"""Rows of `dataframe_split` bodies, and what they leave to MLflow."""

import json
from typing import Any

import pytest
from mlflow.types import DataType, ParamSchema, ParamSpec

from housing_price_model.serving.fast_scoring import Rows, read_call, read_rows, write_predictions

SCHEMA = ParamSchema([ParamSpec("k", DataType.long, 6), ParamSpec("known", DataType.string, [], shape=(-1,))])


def split(columns: Any, data: Any, **more: Any) -> bytes:
    return json.dumps({"dataframe_split": {"columns": columns, "data": data} | more}).encode()


def test_output_that_is_no_data_frame_is_written_by_mlflow() -> None:
    assert json.loads(write_predictions([1.5, 2.5])) == {"predictions": [1.5, 2.5]}


def test_rows_keep_their_values() -> None:
    rows = Rows(["a", "b"], [[1, None], ["x", 2.5]])
    assert len(rows) == 2
    assert rows.to_numpy(dtype=object).tolist() == [[1, None], ["x", 2.5]]
    assert len(Rows(["a"], [])) == 0


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (["a", "a"], [[1, 2]]),
        (["a", "b"], [[1, 2], [1]]),
        (["a"], ["x"]),
        (["a", "b"], [[[1], [2]]]),
        (["a"], [[[1, 2]]]),
    ],
    ids=["name twice", "row too short", "row is a string", "values are lists", "value is a list"],
)
def test_malformed_rows_are_an_error(columns: list[str], rows: Any) -> None:
    with pytest.raises(ValueError, match=r"must|reshape"):
        Rows(columns, rows)


@pytest.mark.parametrize("more", [{}, {"index": None}, {"index": [0, 1]}, {"index": ["x", "y"]}])
def test_well_formed_body_is_read(more: dict[str, Any]) -> None:
    rows = read_rows(split(["a", "b"], [[1, None], ["x", 2.5]], **more))
    assert rows is not None
    assert rows.columns == ["a", "b"]
    assert rows.to_numpy().tolist() == [[1, None], ["x", 2.5]]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"dataframe_split": 7}'),
        split(["a"], [[1]])[:-1] + b', "params": {}}',
        *(split(["a"], [[1]], more=1), split(["a"], [[1]], index=[]), split(["a"], [[1]], index=[None])),
        *(
            split("a", [[1]]),
            split([1], [[1]]),
            split(["a"], None),
            split(["a"], [[1, 2]]),
            split(["a", "a"], [[1, 2]]),
        ),
    ],
)
def test_every_other_body_is_left_to_mlflow(content: bytes) -> None:
    assert read_rows(content) is None


def with_params(params: Any) -> bytes:
    return split(["a"], [[1]])[:-1] + b', "params": ' + json.dumps(params).encode() + b"}"


@pytest.mark.parametrize("params", [{}, {"k": 3}, {"known": ["a", "b"]}, {"k": 1, "known": []}])
def test_parameters_that_the_model_declares_are_read(params: dict[str, Any]) -> None:
    call = read_call(with_params(params), SCHEMA)
    assert call is not None
    assert call.params == params
    assert call.rows.to_numpy().tolist() == [[1]]
    plain = read_call(split(["a"], [[1]]), SCHEMA)
    assert plain is not None
    assert plain.params == {}


@pytest.mark.parametrize(
    "params",
    [
        None,
        "x",
        [],
        {"k": "3"},
        {"k": 1.5},
        {"k": True},
        {"known": "a"},
        {"known": [1]},
        {"known": [["a"]]},
        {"other": 1},
    ],
)
def test_other_parameters_are_left_to_mlflow(params: Any) -> None:
    assert read_call(with_params(params), SCHEMA) is None
    assert read_call(with_params({"k": 3}), None) is None
    assert read_call(with_params({"k": 3})[:-1] + b', "more": 1}', SCHEMA) is None
