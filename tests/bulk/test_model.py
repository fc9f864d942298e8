"""The model of a scoring prices in this process, with the answers and refusals of a model server behind the API."""

import math
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from factories import house, houses, ranges_json
from housing_price.bulk.model import LoadedModel, fetch_model
from housing_price.errors import BulkError
from housing_price_model.artefact.export import read_export
from housing_price_orchestrator.provider.model_server.mlflow_price_model import MLflowPriceModel
from housing_price_orchestrator.shared.errors import PriceImplausible, RowsRefused
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate

GOOD = {"price": 100.0, "low": 90.0, "high": 110.0, "model_id": "m-1"}


class FakeModel:
    """Answers each row with the good price, except for rows of some lot areas."""

    def __init__(self, **by_lot_area: dict[str, Any]) -> None:
        self.by_lot_area = {float(area): changes for area, changes in by_lot_area.items()}
        self.refuses: set[float] = set()
        self.calls: list[int] = []

    def predict(self, rows: Any) -> pd.DataFrame:
        areas = [row[list(rows.columns).index("LotArea")] for row in rows.to_numpy()]
        self.calls.append(len(areas))
        if self.refuses & set(areas):
            raise ValueError("LotArea: cannot be used")
        return pd.DataFrame([GOOD | self.by_lot_area.get(area, {}) for area in areas])


@pytest.fixture(scope="module")
def loaded(small_export: Path) -> LoadedModel:
    return LoadedModel(small_export, read_export(small_export).digest)


def with_fake(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch, fake: FakeModel) -> LoadedModel:
    monkeypatch.setattr(loaded, "_model", fake)
    return loaded


def test_a_price_names_the_model_as_its_export_does(loaded: LoadedModel, small_export: Path) -> None:
    manifest = read_export(small_export)
    (found,) = loaded.price_each([house()])
    assert isinstance(found, PriceEstimate)
    assert found.model == ModelIdentity(manifest.name, manifest.version, manifest.model_id)


def test_a_price_is_the_same_alone_and_among_others(loaded: LoadedModel) -> None:
    some = houses(7)
    assert [loaded.price_each([one])[0] for one in some] == list(loaded.price_each(some))
    assert loaded.price_each([]) == []


def test_a_row_that_the_model_refuses_does_not_refuse_the_others(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeModel()
    fake.refuses = {5_002.0, 5_006.0}
    outcomes = with_fake(loaded, monkeypatch, fake).price_each(houses(8))
    assert [isinstance(one, RowsRefused) for one in outcomes] == [number in {2, 6} for number in range(8)]
    assert fake.calls[0] == 8


@pytest.mark.parametrize(
    "changes",
    [
        {"price": math.nan},
        {"price": math.inf, "high": math.inf},
        {"price": 0.0, "low": 0.0},
        {"price": -1.0, "low": -2.0},
        {"low": 101.0},
        {"high": 99.0},
        {"high": math.nan},
    ],
    ids=str,
)
def test_a_price_that_the_api_would_not_answer_is_refused(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch, changes: dict[str, float]
) -> None:
    outcomes = with_fake(loaded, monkeypatch, FakeModel(**{"5001": changes})).price_each(houses(3))
    assert [isinstance(one, PriceImplausible) for one in outcomes] == [False, True, False]
    api = MLflowPriceModel.__new__(MLflowPriceModel)
    with pytest.raises(ValueError, match="the price is not finite"):
        api._read(houses(1)[0], b"", GOOD | changes, ModelIdentity("housing-price", "1", "m-1"))


def test_features_outside_what_the_model_has_seen_have_warnings(loaded: LoadedModel) -> None:
    (warning,) = loaded.warnings_of(house(yrSold=2026))
    assert (warning.field, warning.value) == ("yrSold", 2026)
    assert ranges_json()["numbers"]["YrSold"][1] < 2026


def test_a_model_is_fetched_as_an_export_whose_digest_is_checked(small_export: Path, tmp_path: Path) -> None:
    digest = read_export(small_export).digest
    manifest = fetch_model(small_export.as_uri(), "unused", digest, tmp_path / "fetched")
    assert read_export(tmp_path / "fetched", digest) == manifest


def test_a_fetched_model_that_was_changed_later_is_not_loaded(small_export: Path, tmp_path: Path) -> None:
    manifest = fetch_model(str(small_export), "unused", None, tmp_path / "fetched")
    (tmp_path / "fetched" / "model" / "artifacts" / "graph.onnx").write_bytes(b"")
    with pytest.raises(BulkError, match=r"graph\.onnx was changed"):
        LoadedModel(tmp_path / "fetched", manifest.digest)


def test_another_export_in_place_of_the_fetched_one_is_not_loaded(small_export: Path, tmp_path: Path) -> None:
    manifest = fetch_model(str(small_export), "unused", None, tmp_path / "fetched")
    shutil.rmtree(tmp_path / "fetched")
    shutil.copytree(small_export / "comparables", tmp_path / "fetched")
    with pytest.raises(BulkError, match=f"expected {manifest.digest}"):
        LoadedModel(tmp_path / "fetched", manifest.digest)


def test_a_registered_model_is_fetched_from_its_registry(small_export: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{small_export.parent / 'mlflow.db'}"
    manifest = fetch_model("models:/housing-price@champion", store, None, tmp_path / "fetched")
    assert manifest.digest == read_export(small_export).digest
    with pytest.raises(BulkError, match=r"models:/housing-price/7: not found in the registry"):
        fetch_model("models:/housing-price/7", store, None, tmp_path / "other")
