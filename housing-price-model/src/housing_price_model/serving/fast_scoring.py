"""A faster `/invocations`: skips MLflow's double JSON parse and its per-call schema check.

MLflow's scoring server parses a JSON body twice, builds a DataFrame with one dtype for each of the 79 columns, checks
it against the signature, and encodes the answer with the standard library. This model validates its own input by
column and value, so most of that time is wasted (`benchmarks/README.md`, "Time inside the model server").

The server keeps MLflow's application (routes, content types, limits and errors) and replaces three parts:

- `DirectModel` calls the model without the signature check;
- `parse` reads a `dataframe_split` body once, with orjson, and keeps its rows; MLflow parses every other format;
- `write` encodes the answer with orjson.

Answers are identical to those of `mlflow models serve`, bit for bit; a test compares them. One difference in input:
this server rejects numbers sent as strings or booleans, which MLflow converts.
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
_mlflow_parse: Final = scoring_server._parse_json_data  # noqa: SLF001 - MLflow has no public hook for parsing a body
_mlflow_write: Final = scoring_server.predictions_to_json


class Rows:
    """Rows of JSON values with the part of the DataFrame interface that the model uses, at a lower cost.

    Attributes:
        columns: The column names.
    """

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Create rows with one value per column.

        Raises:
            ValueError: A row has the wrong number of values, or a column name is repeated.
        """
        if len(set(columns)) != len(columns):
            raise ValueError("column names must be unique")
        if any(type(row) is not list or len(row) != len(columns) for row in rows):
            raise ValueError(f"each row must be a list of {len(columns)} values")
        self.columns = columns
        self._cells = np.array(rows, dtype=object).reshape(len(rows), len(columns))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._cells)

    def to_numpy(self, dtype: npt.DTypeLike = object) -> npt.NDArray[Any]:
        """Return the cells as an array of shape (rows, columns)."""
        return self._cells.astype(dtype, copy=False)


class _Metadata:
    """The model's metadata without an input schema, so that MLflow's server enforces none."""

    def __init__(self, metadata: Model) -> None:
        self._metadata = metadata

    def get_input_schema(self) -> None:
        """Return None: the model validates its input itself."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metadata, name)


class DirectModel:
    """A loaded model that is called without MLflow's input checks."""

    def __init__(self, model: PyFuncModel) -> None:
        """Unwrap the Python model inside `model`."""
        python_model = model.unwrap_python_model()  # type: ignore[no-untyped-call]  # MLflow's own
        self.metadata = _Metadata(model.metadata)
        self._predict = python_model.predict
        self._context = model._model_impl.context  # noqa: SLF001 - MLflow has no public access to it

    def predict(self, data: pd.DataFrame | Rows) -> pd.DataFrame:
        """Price each row; equal to `PyFuncModel.predict` without the checks."""
        predictions: pd.DataFrame = self._predict(self._context, data)
        return predictions


def parse(data: bytes, metadata: Any, schema: Schema | None = None) -> scoring_server.ParsedJsonInput:
    """Parse a body, keeping `dataframe_split` as `Rows`; replaces `scoring_server._parse_json_data`."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        # MLflow parses it again: it accepts more (NaN, for example) and reports syntax errors.
        document = None
    split = document.get(_SPLIT) if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(split, dict) or not {"columns", "data"} <= split.keys() or schema is not None:
        return _mlflow_parse(data, metadata, schema)  # type: ignore[no-any-return,no-untyped-call]  # MLflow's own
    try:
        rows = Rows(split["columns"], split["data"])
    except (TypeError, ValueError) as error:
        raise MlflowException.invalid_parameter_value(f"invalid {_SPLIT}: {error}") from error
    return scoring_server.ParsedJsonInput(rows, params=None, is_unified_llm_input=False)


def write(predictions: Any, output: TextIO, metadata: Mapping[str, Any] | None = None) -> None:
    """Write `{"predictions": [...]}`; replaces `scoring_server.predictions_to_json`."""
    if not isinstance(predictions, pd.DataFrame) or metadata:
        _mlflow_write(predictions, output, metadata)  # type: ignore[no-untyped-call]  # MLflow's own
        return
    names = predictions.columns.tolist()
    columns = [predictions[name].tolist() for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    output.write(orjson.dumps({"predictions": rows}).decode())


def create_app(model: DirectModel) -> FastAPI:
    """Create MLflow's scoring application for a model, with `parse` and `write` in place.

    Patches MLflow's scoring module, and so the whole process.
    """
    scoring_server._parse_json_data = parse  # noqa: SLF001 - see above
    scoring_server.predictions_to_json = write
    app: FastAPI = scoring_server.init(model)  # type: ignore[arg-type]  # it has every method that the server calls
    return app
