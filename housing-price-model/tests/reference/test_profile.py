"""The reference profile and the golden answers that are stored with a model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pandas as pd
import pytest
from typer.testing import CliRunner

from housing_price_model.artefact.export import MODEL
from housing_price_model.artefact.kinds import PROFILE
from housing_price_model.cli.app import app
from housing_price_model.errors import ArtefactError
from housing_price_model.reference.distribution import MAX_POINTS, CategoricalDistribution, NumericDistribution
from housing_price_model.reference.golden import read_golden
from housing_price_model.reference.profile import cells_of, read_profile
from housing_price_model.reference.tally import CATEGORICAL_COLUMNS, GROUP, NUMERIC_COLUMNS, Tally
from housing_price_model.survey.data import Houses, read_houses
from housing_price_model.training.train import Trained
from housing_price_survey.columns import COLUMNS, OPTIONAL

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

run = CliRunner().invoke


@pytest.fixture(scope="module")
def trained_on(few_houses: Path) -> Houses:
    return read_houses(few_houses)


def test_profile_holds_what_the_model_was_trained_on(export: Path, trained: Trained, trained_on: Houses) -> None:
    profile = read_profile(export / MODEL)
    assert profile.model_id == trained.model_id
    assert profile.houses == len(trained_on)
    assert {*profile.numbers, *profile.categories} == set(COLUMNS)
    area = profile.numbers["GrLivArea"]
    assert (area.present, area.missing) == (len(trained_on), 0)
    median = trained_on.features["GrLivArea"].quantile(0.5, interpolation="inverted_cdf")  # type: ignore[call-overload]  # the stubs lack it
    assert area.quantiles([0.5])[0] == median
    assert profile.numbers["LotFrontage"].missing == trained_on.features["LotFrontage"].isna().sum() > 0
    assert profile.categories[GROUP].counts == trained_on.features[GROUP].value_counts().sort_index().to_dict()
    assert profile.categories["MSSubClass"].counts["60"] == (trained_on.features["MSSubClass"] == 60).sum()
    assert profile.categories["Alley"].missing == trained_on.features["Alley"].isna().sum()
    assert profile.sale_prices.present == profile.prices.present == profile.errors.present == len(trained_on)
    assert sum(prices.present for prices in profile.group_prices.values()) == len(trained_on)
    assert profile.covered / profile.houses == pytest.approx(trained.metrics["coverage"])


def test_profile_and_golden_answers_do_not_change_the_model_id(export: Path, trained: Trained) -> None:
    spec = json.loads((export / MODEL / "artifacts" / "spec.json").read_text())
    assert spec["model_id"] == trained.model_id
    assert not {"profile", "golden"} & spec.keys()


def test_profile_round_trips_unchanged(export: Path) -> None:
    stored = (export / MODEL / "artifacts" / f"{PROFILE}.json").read_bytes()
    assert read_profile(export / MODEL).to_json() == stored


def test_long_distribution_is_stored_in_a_bounded_number_of_points() -> None:
    sample = np.random.default_rng(0).lognormal(7, 1, 50_000)
    whole = NumericDistribution.of_sample([*sample, np.nan, np.nan])
    stored = NumericDistribution.from_json(orjson.loads(orjson.dumps(whole.to_json())))
    assert len(stored.values) <= MAX_POINTS
    assert (stored.present, stored.missing) == (50_000, 2)
    points = np.quantile(sample, np.linspace(0, 1, 99))
    assert np.abs(stored.share_up_to(points) - whole.share_up_to(points)).max() <= 1 / MAX_POINTS


def test_repeated_values_reduce_the_number_of_bins() -> None:
    pools = NumericDistribution.of_sample([0.0] * 990 + [500.0] * 10)
    assert pools.edges().tolist() == [0]
    assert pools.binned(pools.edges()).tolist() == [990, 10]
    assert NumericDistribution.of_sample([]).edges().tolist() == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no reference profile"),
        (b"", "not a valid reference profile"),
        (b"[]", "not a valid reference profile"),
        (b'{"version": 1}', "not a valid reference profile"),
        (b'{"version": 2}', "unsupported version 2, expected 1"),
    ],
)
def test_missing_or_invalid_profile_is_rejected(tmp_path: Path, content: bytes | None, message: str) -> None:
    (tmp_path / "artifacts").mkdir()
    if content is not None:
        (tmp_path / "artifacts" / "profile.json").write_bytes(content)
    with pytest.raises(ArtefactError, match=message):
        read_profile(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"values": [2, 1], "counts": [1, 1]}, {"values": [1], "counts": [0]}, {"values": [1, 2], "counts": [1]}],
)
def test_invalid_distribution_is_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="values must be ascending"):
        NumericDistribution.from_json({"missing": 0, **wrong})


def test_every_column_is_either_a_number_or_a_word() -> None:
    assert sorted((*NUMERIC_COLUMNS, *CATEGORICAL_COLUMNS)) == sorted(COLUMNS)


def test_column_absent_from_the_log_counts_as_missing() -> None:
    tally = Tally()
    tally.add(("Street", "LotArea"), [["Pave", 8450], ["Grvl", 8450.0]], [(2.0, 1.0, 3.0), (2.0, 1.0, 3.0)])
    assert tally.numbers()["LotArea"].counts.tolist() == [2]
    assert tally.categories()["Street"] == CategoricalDistribution({"Grvl": 1, "Pave": 1})
    assert tally.categories()[GROUP].missing == 2
    assert tally.prices().present == 2


def test_golden_answers_cover_all_prices_and_blank_columns(export: Path, trained: Trained, trained_on: Houses) -> None:
    golden = read_golden(export / MODEL)
    assert 15 <= len(golden.rows) <= 20
    blanks = {name for row in golden.rows for name, cell in zip(golden.columns, row, strict=True) if cell is None}
    assert {"LotFrontage", "Alley", "GarageType", "BsmtQual"} <= blanks <= OPTIONAL
    known = cells_of(trained_on.features)
    assert all(row in known for row in golden.rows)
    prices = [answer["price"] for answer in golden.answers]
    assert max(prices) > 2 * min(prices)
    assert {answer["model_id"] for answer in golden.answers} == {trained.model_id}


def test_exported_model_reproduces_its_golden_answers(export: Path) -> None:
    done = run(app, ["verify", str(export)])
    assert done.exit_code == 0, done.output
    assert "of" in done.output
    assert "reproduces the golden answers of housing-price version 1" in " ".join(done.output.split())


def test_registered_model_reproduces_its_golden_answers(store: str, trained: Trained) -> None:
    del trained
    done = run(app, ["verify", "models:/housing-price/1", "--tracking-uri", store])
    assert done.exit_code == 0, done.output


type Change = Callable[[list[dict[str, Any]]], Any]


def answering(monkeypatch: pytest.MonkeyPatch, golden_of: Path, change: Change) -> None:
    """Make the server at http://model return the golden answers after `change`."""

    def post(url: str, **options: Any) -> httpx.Response:
        assert url == "http://model/invocations"
        assert set(options["json"]["dataframe_split"]) == {"columns", "data"}
        answers = [dict(answer) for answer in read_golden(golden_of / MODEL).answers]
        return httpx.Response(200, json=change(answers))

    monkeypatch.setattr(httpx, "post", post)


def last_bit(answers: list[dict[str, Any]]) -> Any:
    answers[3]["low"] = float(np.nextafter(answers[3]["low"], np.inf))
    return {"predictions": answers}


def other_model(answers: list[dict[str, Any]]) -> Any:
    return {"predictions": [answer | {"model_id": "other"} for answer in answers]}


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        (lambda answers: {"predictions": answers}, 0, "reproduces the golden answers of housing-price version 1"),
        (last_bit, 3, "house 4: "),
        (other_model, 3, "'model_id': 'other'"),
        (lambda answers: {"predictions": answers[:-1]}, 3, "answers for"),
        (lambda _answers: {"predictions": {}}, 1, "the response contains no list of predictions"),
        (lambda _answers: [], 1, "the response contains no predictions"),
    ],
)
def test_verify_compares_the_server_with_the_golden_answers_bit_for_bit(
    export: Path, monkeypatch: pytest.MonkeyPatch, change: Change, status: int, message: str
) -> None:
    answering(monkeypatch, export, change)
    done = run(app, ["verify", "http://model/", "--model", str(export)])
    assert done.exit_code == status, done.output
    assert message in " ".join((done.output + done.stderr).split())


def test_unreachable_server_is_named_in_the_error(export: Path) -> None:
    done = run(app, ["verify", "http://127.0.0.1:9", "--model", str(export)])
    assert done.exit_code == 1
    assert "http://127.0.0.1:9: the model server does not respond" in done.stderr


def test_model_without_golden_answers_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="retrain it"):
        read_golden(tmp_path)


def test_cells_match_the_form_of_the_prediction_log(houses: Houses) -> None:
    cells = cells_of(houses.features.head(3))
    assert [len(row) for row in cells] == [79] * 3
    assert not any(isinstance(cell, float) and pd.isna(cell) for row in cells for cell in row)
