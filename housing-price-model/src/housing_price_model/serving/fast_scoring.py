"""Scoring of `dataframe_split` calls: skips MLflow's double JSON parse and its per-call schema check.

MLflow's scoring server parses a JSON body twice, builds a DataFrame with one dtype for each of the 79 columns, checks
it against the signature, and encodes the answer with the standard library. This model validates its own input by
column and value, so most of that time is wasted (`benchmarks/README.md`, "Time inside the model server").

- `read_call` reads a `dataframe_split` body once, with orjson, and keeps its rows and its parameters;
- `DirectModel` calls the model without the signature check;
- `write_predictions` encodes the answer with orjson.

Answers are identical to those of `mlflow models serve`, bit for bit; a test compares them. One difference in input:
the model rejects numbers sent as strings or booleans, which MLflow converts.
"""

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, scoring_server
from mlflow.types import ParamSchema, ParamSpec

_INDEX_TYPES: Final = frozenset({int, str})
_PARAMS: Final = "params"
_NO_PARAMS: Final[Mapping[str, Any]] = MappingProxyType({})


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
        cells = np.array(rows, dtype=object)
        # NumPy adds a dimension if every value of every row is a list.
        if len(rows) > 0 and cells.ndim != 2:  # noqa: PLR2004 - rows and columns
            raise ValueError("a value must not be a list")
        self._cells = cells.reshape(len(rows), len(columns))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._cells)

    def to_numpy(self, dtype: npt.DTypeLike = object) -> npt.NDArray[Any]:
        """Return the cells as an array of shape (rows, columns)."""
        return self._cells.astype(dtype, copy=False)


class Call(NamedTuple):
    """The rows and the parameters of a call."""

    rows: Rows
    params: Mapping[str, Any]


class DirectModel:
    """A loaded model that is called without MLflow's input checks."""

    def __init__(self, model: PyFuncModel) -> None:
        """Unwrap the Python model inside `model`."""
        python_model = model.unwrap_python_model()
        self.metadata = model.metadata
        self._predict = python_model.predict
        self._context = model._model_impl.context  # noqa: SLF001 - MLflow has no public access to it

    def predict(self, data: pd.DataFrame | Rows, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Answer each row; equal to `PyFuncModel.predict` without the checks."""
        predictions: pd.DataFrame = self._predict(self._context, data, params)
        return predictions


def read_call(body: bytes, schema: ParamSchema | None = None) -> Call | None:
    """Read a JSON body whose only content is a well-formed `dataframe_split`, perhaps with valid parameters.

    Args:
        body: The body.
        schema: The parameters of the model; None for a model without parameters.

    Returns:
        The call; None for every other body, valid or not: MLflow reads it or words the error.
    """
    try:
        document = _decode(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    params: Mapping[str, Any] | None = _NO_PARAMS
    if schema is not None and _PARAMS in document:
        params = _valid_params(document.pop(_PARAMS), schema)
    if params is None or len(document) != 1:
        return None
    rows = _rows_of(document.get(scoring_server.DF_SPLIT))
    return None if rows is None else Call(rows, params)


def read_rows(body: bytes) -> Rows | None:
    """Read a JSON body whose only content is a well-formed `dataframe_split`; None for every other body."""
    call = read_call(body)
    return None if call is None else call.rows


def _valid_params(params: Any, schema: ParamSchema) -> dict[str, Any] | None:
    """Convert parameters as MLflow does; None if one is unknown or invalid, which MLflow reports."""
    specs: dict[str, ParamSpec] = {spec.name: spec for spec in schema.params}
    if not isinstance(params, dict) or not params.keys() <= specs.keys():
        return None
    try:
        return {name: ParamSpec.validate_param_spec(value, specs[name]) for name, value in params.items()}
    except (MlflowException, ValueError):
        return None


def _rows_of(split: Any) -> Rows | None:
    if not isinstance(split, dict) or not {"columns", "data"} <= split.keys() <= {"columns", "data", "index"}:
        return None
    columns, data, index = split["columns"], split["data"], split.get("index")
    if not _is_list_of(columns, frozenset({str})) or type(data) is not list:
        return None
    if index is not None and not (_is_list_of(index, _INDEX_TYPES) and len(index) == len(data)):
        return None
    try:
        return Rows(columns, data)
    except ValueError:
        return None


def write_predictions(predictions: Any) -> str:
    """Encode `{"predictions": [...]}`; MLflow encodes what is not a DataFrame."""
    if not isinstance(predictions, pd.DataFrame):
        output = StringIO()
        scoring_server.predictions_to_json(predictions, output)
        return output.getvalue()
    names = predictions.columns.tolist()
    columns = [predictions[name].tolist() for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return orjson.dumps({"predictions": rows}).decode()


def _decode(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # The standard library accepts more, as MLflow does: NaN, for example, and UTF-16.
        return json.loads(body)


def _is_list_of(value: Any, types: frozenset[type]) -> bool:
    return type(value) is list and types.issuperset(map(type, value))
