"""Houses of the prediction log with a known sale price become training data."""

import csv
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from housing_price_model.candidate.extract import EXTRACT, HOUSES
from housing_price_model.candidate.parameters import Connections, Parameters, Source
from housing_price_model.candidate.run import Run
from housing_price_model.errors import LogError
from housing_price_model.prediction_log.reader import open_log
from housing_price_model.prediction_log.rows import Window
from housing_price_model.reference.profile import cells_of
from housing_price_model.survey.data import BUNDLED, read_houses
from housing_price_survey.columns import COLUMNS, SURVEY_COLUMNS, TARGET

from .logs import new_log

ANSWER: dict[str, Any] = {"price": 150_000.0, "low": 120_000.0, "high": 180_000.0, "model_id": "abc"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five houses of the survey."""
    path = tmp_path_factory.mktemp("base") / "base.csv"
    path.write_text("".join(BUNDLED.read_text(encoding="utf-8").splitlines(keepends=True)[:6]), encoding="utf-8")
    return path


def test_sales_replace_the_same_house_and_are_added_once_each(tmp_path: Path, base: Path) -> None:
    log = new_log(tmp_path)
    survey = cells_of(read_houses(BUNDLED).features.head(8))
    # House 1 of the base, a new one, the same new one under another number, and one that was never sold.
    ids = log.write([survey[0], survey[6], survey[6], survey[7]], [ANSWER] * 4, columns=COLUMNS)
    log.sell({ids[0]: 111_111, ids[1]: 222_000, ids[2]: 222_222})
    log.close()
    parameters = Parameters(source=Source.PREDICTION_LOG, data=str(base))
    run = Run.start(tmp_path / "run", lambda: parameters)
    found, _ = run.perform(EXTRACT, Connections("", log.url), lambda _stage, _share: None)
    assert found | {"window": ""} == {
        "source": "prediction-log", "window": "", "base": 5, "sales": 2, "replaced": 1,
    }  # fmt: skip
    houses = read_houses(tmp_path / "run" / EXTRACT.name / HOUSES)
    before = read_houses(base)
    assert sorted(houses.prices) == sorted([111_111, *before.prices[1:], 222_222])
    assert houses.features.iloc[1:5].equals(before.features.iloc[1:5])


def renamed(base: Path, target: Path) -> Path:
    """The base as a Parquet file with the names that De Cock published."""
    frame = pd.read_csv(base, keep_default_na=False, na_values=[""])
    frame.rename(columns={column.name: column.spaced_name for column in SURVEY_COLUMNS}).to_parquet(target)
    return target


@pytest.mark.parametrize("source", [Source.CSV, Source.PREDICTION_LOG])
def test_a_base_in_any_format_and_with_any_names_is_the_same(tmp_path: Path, base: Path, source: Source) -> None:
    log = new_log(tmp_path)
    log.close()
    for name, data in (("plain", base), ("renamed", renamed(base, tmp_path / "base"))):
        run = Run.start(tmp_path / name, partial(Parameters, source=source, data=str(data)))
        run.perform(EXTRACT, Connections("", log.url), lambda _stage, _share: None)
    plain, other = (read_houses(tmp_path / name / EXTRACT.name / HOUSES) for name in ("plain", "renamed"))
    assert other.features.equals(plain.features)
    assert other.prices.tolist() == plain.prices.tolist()


def test_a_sale_price_of_one_caller_is_no_sale_price_of_another(tmp_path: Path, base: Path) -> None:
    log = new_log(tmp_path)
    survey = cells_of(read_houses(BUNDLED).features.head(9))
    # Both callers have a house 1 and a house 2; house 2 has the same values for both.
    for caller, values in (("aaaaaaaa", survey[6]), ("bbbbbbbb", survey[7])):
        ids = log.write([values, survey[8]], [ANSWER] * 2, columns=COLUMNS, caller=caller, house_ids=[1, 2])
    log.sell({1: 111_111, 2: 222_222}, caller="aaaaaaaa")
    log.sell({2: 333_333}, caller="bbbbbbbb")
    # Reported by the first caller for a transaction of the second, before such reports were refused.
    log.sell({ids[0]: 999_999}, caller="aaaaaaaa")
    log.close()
    run = Run.start(tmp_path / "run", lambda: Parameters(source=Source.PREDICTION_LOG, data=str(base)))
    found, _ = run.perform(EXTRACT, Connections("", log.url), lambda _stage, _share: None)
    assert (found["base"], found["sales"], found["replaced"]) == (5, 3, 0)
    houses = read_houses(tmp_path / "run" / EXTRACT.name / HOUSES)
    assert houses.prices.tolist()[5:] == [111_111, 222_222, 333_333]
    assert cells_of(houses.features)[5:] == [survey[6], survey[8], survey[8]]
    with open_log(log.url) as reader:
        assert sorted(sale.sold for sale in reader.sales(Window())) == [111_111, 222_222, 333_333]
        assert len(reader.latest_sales(ANSWER["model_id"], 10)) == 3


def test_only_the_window_is_read(tmp_path: Path, base: Path) -> None:
    log = new_log(tmp_path)
    rows = cells_of(read_houses(BUNDLED).features.iloc[10:14])
    ids = log.write(rows, [ANSWER] * 4, columns=COLUMNS)  # at 00:00, 00:01, 00:02, 00:03
    log.sell(dict(zip(ids, (1e5, 2e5, 3e5, 4e5), strict=True)))
    log.close()
    parameters = Parameters(
        source=Source.PREDICTION_LOG, data=str(base), start="2026-11-01T00:01:00", end="2026-11-01T00:03:00"
    )
    run = Run.start(tmp_path / "run", lambda: parameters)
    run.perform(EXTRACT, Connections("", log.url), lambda _stage, _share: None)
    with (tmp_path / "run" / EXTRACT.name / HOUSES).open(newline="") as file:
        prices = [row[TARGET] for row in csv.DictReader(file)]
    assert prices[5:] == ["200000", "300000"]


def test_missing_log_url_is_reported(tmp_path: Path) -> None:
    run = Run.start(tmp_path / "run", lambda: Parameters(source=Source.PREDICTION_LOG))
    with pytest.raises(LogError, match="no prediction log is configured"):
        run.perform(EXTRACT, Connections(""), lambda _stage, _share: None)
