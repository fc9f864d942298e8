"""The figures of `docs/avm.md` are those that `evaluate --markdown` prints."""

import re
from pathlib import Path
from typing import Final

import pytest
from mlflow.models import Model
from typer.testing import CliRunner

from housing_price_model.artefact.export import MODEL
from housing_price_model.cli.app import app
from housing_price_model.training.study_table import CONFIDENCE_COLUMNS, STUDY_COLUMNS, VALUATION_COLUMNS
from housing_price_model.training.train import Trained

# MLflow uses deprecated functions of SQLAlchemy and pandas.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

PAGE: Final = Path(__file__).parents[3] / "docs" / "avm.md"

type Rows = dict[str, list[str]]
"""The cells of each row of a table, by its first cell."""


def tables(text: str) -> dict[tuple[str, ...], list[Rows]]:
    """Return the tables of a Markdown text, by their headings."""
    found: dict[tuple[str, ...], list[Rows]] = {}
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        heading, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
        found.setdefault(tuple(heading), []).append({name: cells for name, *cells in rows})
    return found


def number(cell: str) -> float:
    """Return the first number of a cell."""
    return float(cell.split(maxsplit=1)[0].replace(",", ""))


def test_the_page_has_the_tables_that_the_command_prints(store: str, trained: Trained) -> None:
    done = CliRunner().invoke(
        app, ["evaluate", "--markdown", "--model", "models:/housing-price/1", "--tracking-uri", store]
    )
    assert done.exit_code == 0, done.output
    printed, shown = tables(done.output), tables(PAGE.read_text(encoding="utf-8"))
    for columns in (VALUATION_COLUMNS, CONFIDENCE_COLUMNS):
        ((one,), (other,)) = printed[columns], shown[columns]
        assert one.keys() == other.keys()
    first = list(printed[STUDY_COLUMNS][0])[:7]
    assert first[:3] == ["all sales", "at arm's length", "not at arm's length"]
    assert all(list(rows)[:7] == first for rows in (*printed[STUDY_COLUMNS], *shown[STUDY_COLUMNS]))
    assert len(printed[STUDY_COLUMNS]) == len(shown[STUDY_COLUMNS]) == 2, "of the price and of the value"
    assert trained.metrics["rmsle"] == pytest.approx(number(printed[VALUATION_COLUMNS][0]["RMSLE"][0]), abs=1e-4)


def test_the_figures_of_the_page_are_those_of_the_served_model(champion: Path) -> None:
    metadata = Model.load(str(champion / MODEL)).metadata
    assert metadata is not None
    measured = metadata["cross_validation"]
    (rows,) = tables(PAGE.read_text(encoding="utf-8"))[VALUATION_COLUMNS]
    # Another kind of processor gives slightly other trees.
    for row, name, tolerance, factor in (
        ("RMSLE", "rmsle", 0.002, 1),
        ("mean absolute error, USD", "mae_usd", 200, 1),
        ("coverage of the 90 % interval", "coverage", 1.5, 100),
        ("COD, %", "cod", 0.2, 1),
        ("PRD", "prd", 0.003, 1),
        ("PRB", "prb", 0.006, 1),
        ("within 10 %", "within_10", 1.5, 100),
    ):
        price, _, value, _ = rows[row]
        assert number(price) == pytest.approx(factor * measured[name], abs=tolerance), row
        assert number(value) == pytest.approx(factor * measured[f"value_{name}"], abs=tolerance), row
