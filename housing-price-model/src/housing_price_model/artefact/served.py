"""The model as it is served: rows of the survey in, prices with their intervals out.

MLflow stores this file with each model and runs it wherever the model is loaded ("models from code"), so that nothing
is unpickled and this package need not be installed there. It therefore imports nothing of ours and learns all that
training decided from two artefacts: `graph.onnx` (what the estimators learned) and `spec.json` (the words, the ranges,
the interval). Training computes its features with the same functions, so the two cannot drift apart.

**A row's answer does not depend on the rows beside it.** Every step works on each row by itself; the graph runs on one
thread, because onnxruntime splits sums differently when several share a batch; and a lone row is sent twice, because
libraries may take another path for a single row, which differs in the last bit.
"""

import json
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

type Floats = npt.NDArray[np.float64]

SUBCLASS = "MSSubClass"

RANKED = (
    *("LotShape", "Utilities", "LandSlope", "ExterQual", "ExterCond", "BsmtQual", "BsmtCond", "BsmtExposure"),
    *("BsmtFinType1", "BsmtFinType2", "HeatingQC", "CentralAir", "Electrical", "KitchenQual", "Functional"),
    *("FireplaceQu", "GarageFinish", "GarageQual", "GarageCond", "PavedDrive", "PoolQC", "Fence"),
)
"""Categories that are a scale: the graph sees the rank (0 = blank). All others become one column per category."""

PLAIN = (
    *("OverallQual", "OverallCond", "YearBuilt", "YearRemodAdd", "MasVnrArea", "LowQualFinSF", "BsmtFullBath"),
    *("BsmtHalfBath", "FullBath", "HalfBath", "BedroomAbvGr", "KitchenAbvGr", "TotRmsAbvGrd", "Fireplaces"),
    *("GarageCars", "3SsnPorch", "PoolArea", "MiscVal", "MoSold", "YrSold"),
)
"""Numbers that the graph sees as they are, blank as 0."""

ROOTS = (
    *("2ndFlrSF", "TotalBsmtSF", "BsmtFinSF1", "BsmtUnfSF", "GarageArea", "WoodDeckSF", "OpenPorchSF"),
    *("EnclosedPorch", "ScreenPorch", "MasVnrArea"),
)
"""Areas that are often zero: their square root is far less skewed than they are."""


COMMON_NUMBERS = frozenset({float, int, NoneType})
"""What number columns hold nearly always. `bool` is not among them: its cells are looked at, and refused."""


class Encoder:
    """Turns named columns into numbers: a category into its position among the declared ones, blank into NaN."""

    def __init__(
        self, columns: Sequence[str], categories: Mapping[str, Sequence[Any]], optional: Sequence[str]
    ) -> None:
        self.columns = tuple(columns)
        self.categories = {name: tuple(values) for name, values in categories.items()}
        self._optional = frozenset(optional)
        self._positions: dict[str, dict[Any, float]] = {
            name: {None: np.nan, np.nan: np.nan} | {value: float(i) for i, value in enumerate(values)}
            for name, values in self.categories.items()
        }

    def encode(self, frame: pd.DataFrame) -> Floats:
        """Encode a frame of n rows as (n, columns), blank as NaN.

        Raises:
            ValueError: a column is missing, a required value is blank, a category is unknown, or a number is text or
                a truth value (nothing is coerced).
        """
        # One conversion for all columns: taking 79 columns out of a frame one by one takes longer than all the rest.
        cells = dict(zip(frame.columns, frame.to_numpy(dtype=object).T, strict=True))
        values = np.full((len(self.columns), len(frame)), np.nan)
        for row, name in zip(values, self.columns, strict=True):
            if name in cells:
                row[:] = self._numbers(name, cells[name])
            elif name not in self._optional:
                raise ValueError(f"{name}: the column is missing")
        blank = np.isnan(values).any(axis=1)
        for name in np.array(self.columns)[blank].tolist():
            if name not in self._optional:
                raise ValueError(f"{name}: a value is missing")
        return np.ascontiguousarray(values.T)

    def _numbers(self, name: str, cells: npt.NDArray[np.object_]) -> Sequence[float] | Floats:
        positions = self._positions.get(name)
        given = cells.tolist()
        try:
            if positions is not None:
                return [positions[cell] for cell in given]
            # NumPy would take "8450" and True for numbers. One look at the types costs far less than one at each cell.
            if COMMON_NUMBERS.issuperset(map(type, given)):
                return cells.astype(np.float64)
        except (KeyError, TypeError, OverflowError):
            pass
        # Something unusual is among them: look at each.
        return [self._number(name, cell) for cell in given]

    def _number(self, name: str, cell: Any) -> float:
        if pd.api.types.is_scalar(cell) and pd.isna(cell):
            return float(np.nan)
        if name not in self._positions:
            if isinstance(cell, bool) or not isinstance(cell, Real):
                raise ValueError(f"{name}: {cell!r} is not a number")
            try:
                return float(cell)
            except OverflowError:
                raise ValueError(f"{name}: a number of this size cannot be used") from None
        for known, position in self._positions[name].items():
            if known is not None and cell == known:
                return position
        raise ValueError(f"{name}: {cell!r} is not one of {', '.join(map(str, self.categories[name]))}")


class Features:
    """Derives what the graph sees from encoded rows: areas, ages, ranks, interactions, a column per category."""

    def __init__(self, encoder: Encoder) -> None:
        self._columns = encoder.columns
        position = {name: i for i, name in enumerate(encoder.columns)}
        counts = {name: len(values) for name, values in encoder.categories.items() if name not in RANKED}
        self._nominal = [position[name] for name in counts]
        self._blank = np.array(list(counts.values()))  # the place after the last category says "blank"
        self._starts = np.cumsum([0, *(self._blank + 1)])
        self._names = [f"{name}={value}" for name in counts for value in (*encoder.categories[name], "blank")]

    def derive(self, values: Floats) -> dict[str, Floats]:
        """Name and derive the numeric features of (n, columns) encoded values, each of shape (n,)."""
        columns = np.ascontiguousarray(values.T)
        blank = np.isnan(columns)
        raw = dict(zip(self._columns, columns, strict=True))
        zero = dict(zip(self._columns, np.where(blank, 0.0, columns), strict=True))
        rank = dict(zip(self._columns, np.where(blank, 0.0, columns + 1), strict=True))
        found = {f"rank {name}": rank[name] for name in RANKED}
        found |= {name: zero[name] for name in PLAIN}
        found |= {f"root {name}": np.sqrt(zero[name]) for name in ROOTS}

        quality, living, lot = raw["OverallQual"], raw["GrLivArea"], raw["LotArea"]
        total = living + zero["TotalBsmtSF"]
        baths = zero["FullBath"] + zero["HalfBath"] / 2 + zero["BsmtFullBath"] + zero["BsmtHalfBath"] / 2
        porch = zero["OpenPorchSF"] + zero["EnclosedPorch"] + zero["3SsnPorch"] + zero["ScreenPorch"]
        finished = zero["BsmtFinSF1"] + zero["BsmtFinSF2"]
        age = np.maximum(raw["YrSold"] - raw["YearBuilt"], 0)
        remodelled_age = np.maximum(raw["YrSold"] - raw["YearRemodAdd"], 0)
        garage_age = raw["YrSold"] - raw["GarageYrBlt"]
        frontage = raw["LotFrontage"]
        found |= {
            "log total area": np.log1p(total),
            "log living area": np.log1p(living),
            "log first floor": np.log1p(raw["1stFlrSF"]),
            "log lot area": np.log1p(lot),
            "log finished area": np.log1p(living + finished),
            "root finished basement": np.sqrt(finished),
            "root porch": np.sqrt(porch),
            "age": age,
            "root age": np.sqrt(age),
            "new": (age <= 1).astype(np.float64),
            "years since remodelling": remodelled_age,
            "root years since remodelling": np.sqrt(remodelled_age),
            "remodelled": (raw["YearRemodAdd"] > raw["YearBuilt"]).astype(np.float64),
            "garage age": np.where(np.isnan(garage_age), -1.0, np.clip(garage_age, 0, 120)),
            # A lot's front grows with the root of its area; 0.72 is the median ratio in the Ames data.
            "frontage": np.where(np.isnan(frontage), 0.72 * np.sqrt(lot), frontage),
            "frontage known": (~np.isnan(frontage)).astype(np.float64),
            "baths": baths,
            "baths per bedroom": baths / (raw["BedroomAbvGr"] + 1),
            "living area per room": living / (raw["TotRmsAbvGrd"] + 1),
            "share of second floor": raw["2ndFlrSF"] / np.maximum(living, 1),
            "living area per lot": living / np.maximum(lot, 1),
            "total area per lot": total / np.maximum(lot, 1),
            "quality x total area": quality * np.log1p(total),
            "quality x living area": quality * np.log1p(living),
            "quality squared": quality * quality,
            "quality x condition": quality * raw["OverallCond"],
            "quality x age": quality * np.sqrt(age),
            "condition up to 5": np.minimum(raw["OverallCond"], 5),
            "months": raw["YrSold"] * 12 + raw["MoSold"],
            "sum of qualities": rank["ExterQual"]
            + rank["KitchenQual"]
            + rank["BsmtQual"]
            + rank["HeatingQC"]
            + rank["FireplaceQu"]
            + rank["GarageQual"],
        }
        return found

    def names(self) -> list[str]:
        """Name the columns of `matrix`, in order."""
        return [*self.derive(np.ones((1, len(self._columns)))), *self._names]

    def matrix(self, values: Floats) -> Floats:
        """Turn (n, columns) encoded values into the (n, features) that the graph takes."""
        numeric = np.array(list(self.derive(values).values())).T
        nominal = values[:, self._nominal]
        places = np.where(np.isnan(nominal), self._blank, nominal).astype(np.int64) + self._starts[:-1]
        categories = np.zeros((len(values), self._starts[-1]))
        np.put_along_axis(categories, places, 1.0, axis=1)
        return np.concatenate([numeric, categories], axis=1)


class HousePriceModel(PythonModel):
    """Prices houses: `price`, `low`, `high` in US dollars, and `model_id`, the identity of this very content."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the two artefacts that training wrote."""
        spec = json.loads(Path(context.artifacts["spec"]).read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            context.artifacts["graph"], options, providers=["CPUExecutionProvider"]
        )
        self._encoder = Encoder(spec["columns"], spec["categories"], spec["optional"])
        self._features = Features(self._encoder)
        self._lowest, self._highest = np.array(spec["lowest"]), np.array(spec["highest"])
        self._model_id = spec["model_id"]
        self._below, self._above = spec["interval"]["below"], spec["interval"]["above"]

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Price each row.

        Numbers outside the range of the training data count as the nearest value inside it: a linear part would
        otherwise answer a typing error with an absurd price.

        Args:
            context: unused; `load_context` has read it.
            model_input: the 79 columns of the survey, in any order; optional ones may be blank or absent.
            params: unused; part of MLflow's interface.

        Returns:
            One row per row of the input, in order: `price`, `low`, `high` rounded to cents, and `model_id`.

        Raises:
            ValueError: see `Encoder.encode`.
        """
        del context, params
        values = np.clip(self._encoder.encode(model_input), self._lowest, self._highest)
        rows = len(values)
        if rows == 1:
            values = np.repeat(values, 2, axis=0)
        if rows == 0:
            center = spread = np.empty(0)
        else:
            center, spread = (part[:rows, 0] for part in self._session.run(None, {"x": self._features.matrix(values)}))
        price = np.exp(center)
        answer = {
            "price": np.round(price, 2),
            "low": np.round(price * np.exp(-self._below * spread), 2),
            "high": np.round(price * np.exp(self._above * spread), 2),
            "model_id": np.full(rows, self._model_id, dtype=object),
        }
        return pd.DataFrame(answer)


set_model(HousePriceModel())
