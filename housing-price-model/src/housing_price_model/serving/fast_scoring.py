"""What a call to MLflow's scoring server need not cost.

MLflow's server reads a JSON body twice, turns it into a DataFrame of 79 columns with a type of its own each, checks it
against the signature, calls the model and writes the answer through Python's slowest JSON encoder. For this model,
which checks its own input by name, column and value, most of that is spent for nothing (`benchmarks/README.md`, "What
the model server takes").

`serve` keeps MLflow's application (its routes, content types, limits and errors) and gives it three things of ours:

- a model that is called without the signature's check: `DirectModel`;
- a body that is read once, by orjson, and rows that stay rows: `parse`, for `dataframe_split`; every other format goes
  MLflow's way;
- an answer written by orjson: `write`.

Plain `mlflow models serve` gives the same answers to the last bit, which a test compares; it only takes longer. One
thing it takes and we refuse: a number that comes as text or as a truth value, which it turns into a number before the
model sees it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
from fastapi import FastAPI
from mlflow.exceptions import MlflowException
from mlflow.models.model import Model
from mlflow.pyfunc import PyFuncModel, scoring_server
from mlflow.types import Schema

_SPLIT: Final = "dataframe_split"
_mlflow_parse: Final = scoring_server._parse_json_data  # noqa: SLF001 - MLflow has no other place where a body is read once
_mlflow_write: Final = scoring_server.predictions_to_json


class Rows:
    """Rows as they came: as much of a DataFrame as the model looks at, without its cost.

    Attributes:
        columns: The names of the columns.
    """

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Take rows of as many values as there are columns.

        Raises:
            ValueError: a row has another number of values, or a name stands twice.
        """
        if len(set(columns)) != len(columns):
            raise ValueError("a column stands twice")
        if any(type(row) is not list or len(row) != len(columns) for row in rows):
            raise ValueError(f"a row that is not a list of {len(columns)} values")
        self.columns = columns
        self._cells = np.array(rows, dtype=object).reshape(len(rows), len(columns))

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._cells)

    def to_numpy(self, dtype: npt.DTypeLike = object) -> npt.NDArray[Any]:
        """Give the cells as (rows, columns)."""
        return self._cells.astype(dtype, copy=False)


class _Metadata:
    """The model's metadata as MLflow's server asks for it, without a signature to enforce."""

    def __init__(self, metadata: Model) -> None:
        self._metadata = metadata

    def get_input_schema(self) -> None:
        """Nothing to enforce: the model checks its columns itself."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metadata, name)


class DirectModel:
    """A loaded model whose predict is the model's own."""

    def __init__(self, model: PyFuncModel) -> None:
        """Serve the Python model inside `model`."""
        python_model = model.unwrap_python_model()  # type: ignore[no-untyped-call]  # MLflow's own
        self.metadata = _Metadata(model.metadata)
        self._predict = python_model.predict
        self._context = model._model_impl.context  # noqa: SLF001 - MLflow has no other way to it

    def predict(self, data: pd.DataFrame | Rows) -> pd.DataFrame:
        """Predict, as `PyFuncModel.predict` does after its checks."""
        answer: pd.DataFrame = self._predict(self._context, data)
        return answer


def parse(data: bytes, metadata: Any, schema: Schema | None = None) -> scoring_server.ParsedJsonInput:
    """Read a body and keep `dataframe_split` as rows; stands in for `scoring_server._parse_json_data`."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        # Python's parser takes more, NaN for one; and what is wrong, MLflow says.
        document = None
    split = document.get(_SPLIT) if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(split, dict) or not {"columns", "data"} <= split.keys() or schema is not None:
        return _mlflow_parse(data, metadata, schema)  # type: ignore[no-any-return,no-untyped-call]  # MLflow's own
    try:
        rows = Rows(split["columns"], split["data"])
    except (TypeError, ValueError) as exc:
        raise MlflowException.invalid_parameter_value(f"{_SPLIT} cannot be read: {exc}") from exc
    return scoring_server.ParsedJsonInput(rows, params=None, is_unified_llm_input=False)


def write(predictions: Any, output: TextIO, metadata: Mapping[str, Any] | None = None) -> None:
    """Write `{"predictions": [...]}`; stands in for `scoring_server.predictions_to_json`."""
    if not isinstance(predictions, pd.DataFrame) or metadata:
        _mlflow_write(predictions, output, metadata)  # type: ignore[no-untyped-call]  # MLflow's own
        return
    names = predictions.columns.tolist()
    columns = [predictions[name].tolist() for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    output.write(orjson.dumps({"predictions": rows}).decode())


def application_for(model: DirectModel) -> FastAPI:
    """Make MLflow's scoring application for a model, with our way of reading rows and writing answers.

    Both hold for the whole process: MLflow's server finds them as functions of its module.
    """
    scoring_server._parse_json_data = parse  # noqa: SLF001 - see above
    scoring_server.predictions_to_json = write
    app: FastAPI = scoring_server.init(model)  # type: ignore[arg-type]  # it has all that is asked of a model
    return app
