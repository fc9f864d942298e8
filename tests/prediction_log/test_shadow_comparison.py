"""A shadow's prices are paired with the answered ones, and every statistic matches the rows."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer import Typer
from typer.testing import CliRunner, Result

from housing_price.cli import app as stack
from housing_price_model.cli.app import app
from housing_price_model.errors import LogError
from housing_price_model.prediction_log.reader import open_log
from housing_price_model.prediction_log.rows import Window
from housing_price_model.reference.profile import cells_of
from housing_price_model.reference.tally import GROUP
from housing_price_model.shadow.comparison import MAX_WORST, compare_shadow
from housing_price_model.survey.data import BUNDLED, read_houses
from housing_price_survey.columns import COLUMNS

from .logs import START, Log

ANSWERED = [100_000.0, 200_000.0, 300_000.0, 400_000.0]
SHADOW = [101_000.0, 212_000.0, 264_000.0, 400_000.0]
"""1 % and 6 % more, 12 % less, and the same."""


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    made = Log(database_url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def cells() -> list[list[Any]]:
    """Houses of the survey; the first of a neighbourhood, then the first three of another one."""
    every = cells_of(read_houses(BUNDLED).features.head(400))
    at = COLUMNS.index(GROUP)
    first = every[0]
    name = next(row[at] for row in every if row[at] != first[at])
    return [first, *[row for row in every if row[at] == name][:3]]


def estimate(price: float, model_id: str = "one") -> dict[str, Any]:
    return {"price": price, "low": 0.9 * price, "high": 1.1 * price, "model_id": model_id}


@pytest.fixture
def shadowed(log: Log, cells: list[list[Any]]) -> list[str]:
    """Logs four houses that version 1 answered and version 2 shadowed; returns their transactions."""
    ids = log.write(cells, [estimate(price) for price in ANSWERED])
    log.shadow(ids, [estimate(price, "two") for price in SHADOW])
    return ids


def run(*arguments: object, program: Typer = app) -> Result:
    return CliRunner().invoke(program, [str(argument) for argument in arguments], env={"COLUMNS": "300"})


def test_statistics_match_the_rows(log: Log, shadowed: list[str], cells: list[list[Any]]) -> None:
    with open_log(log.url) as reader:
        found = compare_shadow(reader, Window(), "2")
    total = found.total
    assert (total.rows, total.mean_usd, total.median_usd) == (4, -5_750, 500)
    assert total.median_share == pytest.approx((0.01 + 0.06) / 2)
    assert total.beyond == [0.5, 0.25]
    assert [one.transaction for one in found.worst] == [shadowed[at] for at in (2, 1, 0, 3)]
    # 12 % less is outside of the answered interval, and the answer, 13.6 % more, outside of the shadow's.
    assert (found.answered_covers, found.shadow_covers) == (0.75, 0.75)
    names = [row[COLUMNS.index(GROUP)] for row in cells]
    assert {name: one.rows for name, one in found.by_group.items()} == {names[0]: 1, names[1]: 3}
    assert found.by_group[names[0]].mean_usd == 1_000
    assert (found.sales, found.answered, found.shadow) == (0, None, None)


def test_errors_of_both_models_are_measured_on_the_same_sold_houses(log: Log, shadowed: list[str]) -> None:
    log.sell({shadowed[1]: 212_000.0, shadowed[2]: 300_000.0})
    with open_log(log.url) as reader:
        found = compare_shadow(reader, Window(), "2")
    assert found.sales == 2
    assert found.answered is not None
    assert found.shadow is not None
    assert (found.answered.mae_usd, found.shadow.mae_usd) == (6_000, 18_000)
    assert (found.answered.coverage, found.shadow.coverage) == (1.0, 0.5)


def test_only_the_chosen_versions_and_window_are_compared(
    log: Log, cells: list[list[Any]], shadowed: list[str]
) -> None:
    others = log.write(cells, [estimate(price) for price in ANSWERED], version="3")
    log.shadow(others, [estimate(2 * price, "two") for price in ANSWERED])
    with_another = log.write(cells, [estimate(price) for price in ANSWERED])
    log.shadow(with_another, [estimate(3 * price, "four") for price in ANSWERED], version="4")
    with open_log(log.url) as reader:
        assert compare_shadow(reader, Window(), "2").total.rows == 8
        assert compare_shadow(reader, Window(), "2", "1").total.mean_usd == -5_750
        assert compare_shadow(reader, Window(), "2", "3").total.beyond == [1.0, 1.0]
        minutes = Window(START + timedelta(minutes=1), START + timedelta(minutes=3))
        assert {one.transaction for one in compare_shadow(reader, minutes, "2").worst} == set(shadowed[1:3])
        with pytest.raises(LogError, match="version 9 did not shadow any answers in this window"):
            compare_shadow(reader, Window(), "9")


def test_largest_differences_of_many_houses_are_listed(log: Log, cells: list[list[Any]]) -> None:
    count = 5_000
    ids = log.write([cells[0]] * count, [estimate(100_000.0)] * count)
    log.shadow(ids, [estimate(100_000.0 + at) for at in range(count)])
    with open_log(log.url) as reader:
        found = compare_shadow(reader, Window(), "2")
    assert found.total.rows == count
    assert [one.transaction for one in found.worst] == ids[: -MAX_WORST - 1 : -1]


def test_invalid_estimate_is_reported_with_its_transaction(log: Log, shadowed: list[str]) -> None:
    log.change(f"UPDATE shadow_prediction SET low_usd = -1 WHERE transaction_id = '{shadowed[2]}'")  # noqa: S608
    with open_log(log.url) as reader, pytest.raises(LogError, match=f"{shadowed[2]}: invalid estimate: low -1.0"):
        compare_shadow(reader, Window(), "2")


@pytest.mark.parametrize(
    ("program", "command"),
    [(app, ("compare-shadow", "2")), (stack, ("models", "compare", "2", "--shadow"))],
    ids=("housing-price-model", "housing-price"),
)
def test_both_commands_print_and_write_the_comparison(
    log: Log, shadowed: list[str], tmp_path: Path, program: Typer, command: tuple[str, ...]
) -> None:
    log.sell({shadowed[1]: 212_000.0})
    file = tmp_path / "shadow.json"
    options = ("--log", log.url, "--with", "1", "--from", "2026-11-01", "--json", file)
    done = run(*command, *options, program=program)
    assert done.exit_code == 0, done.output
    for said in ("Version 2 as shadow of version 1", "75.0% of the shadow's prices", shadowed[2], "-12.0%", "12,000"):
        assert said in done.output
    found = json.loads(file.read_text())
    assert found["total"]["beyond_5_percent"] == 0.5
    assert found["worst"][0] == {
        "transaction": shadowed[2],
        "neighbourhood": found["worst"][0]["neighbourhood"],
        "answered_usd": 300_000,
        "shadow_usd": 264_000,
    }
    assert found["realised"]["shadow"] == {"mae_usd": 0, "rmsle": 0, "coverage": 1}
    assert found["from"] == "2026-11-01T00:00:00"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda log: None, "version 7 did not shadow any answers"),
        (lambda log: log.change("DROP TABLE shadow_prediction"), "cannot be read as a prediction log"),
    ],
)
def test_failed_comparison_is_reported_in_one_line(
    log: Log, shadowed: list[str], change: Callable[[Log], None], message: str
) -> None:
    del shadowed
    change(log)
    done = run("compare-shadow", "7", "--log", log.url)
    assert done.exit_code == 1
    assert message in " ".join((done.output + done.stderr).split())
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--shadow", "--log", "sqlite:///x", "--data", "houses.csv"),
            "--shadow compares logged requests and cannot be combined with --data",
        ),
        (("--from", "2026-11-01"), "--from, --to and --json require --shadow"),
        (("--shadow", "--log", "sqlite:///nowhere.db"), "nowhere.db: file not found"),
    ],
)
def test_invalid_combination_of_options_is_reported(options: tuple[str, ...], message: str) -> None:
    done = run("models", "compare", "2", *options, program=stack)
    assert done.exit_code in {1, 2}
    assert message in " ".join((done.output + done.stderr).split())


def test_variant_of_a_prediction_can_be_read(log: Log, cells: list[list[Any]]) -> None:
    from housing_price_model.prediction_log.database import PREDICTION  # noqa: PLC0415 - of this test only

    log.write(cells[:1], [estimate(1.0)])
    log.change("UPDATE prediction SET variant = 'canary'")
    with open_log(log.url) as reader, reader.stream(sa.select(PREDICTION.c.variant)) as rows:
        assert [row.variant for row in rows] == ["canary"]
