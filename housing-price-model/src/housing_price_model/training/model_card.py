"""The model card, as Markdown and as a self-contained HTML page: intended use, training data, performance and limits.

Every version has one: as artefacts of its run, and in short as its description in the registry. The sections follow
Mitchell et al. 2019, "Model Cards for Model Reporting", where they apply.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.survey.data import Houses
from housing_price_model.training.study_table import (
    CONFIDENCE_COLUMNS,
    STUDY_COLUMNS,
    VALUATION_COLUMNS,
    confidence_rows,
    study_cells,
    valuation_rows,
)

MARKDOWN: Final = "model-card.md"
HTML: Final = "model-card.html"
SUMMARY: Final = "model-summary.md"
CARD_FOLDER: Final = "card"
"""Folder of the card among the artefacts of a run."""

_PLOTS: Final = {
    "actual_against_predicted.png": "Cross-validated prices against sale prices",
    "residuals.png": "Cross-validated errors",
    "error_by_neighbourhood.png": "Cross-validated errors by neighbourhood",
    "most_important_features.png": "Most important columns",
}

# Sections of cards of candidates, which cards of `train` do not have.
_WITHOUT_COMPARISON: Final[Mapping[str, Any]] = {
    "data": {}, "validation": {"checks": [], "moved": []}, "search": None, "comparison": None, "gate": None,
    "groups": [], "valuation": None,
}  # fmt: skip


def card_content(
    houses: Houses,
    *,
    recipe: Recipe,
    seed: int,
    model_id: str,
    metrics: Mapping[str, float],
    studies: Mapping[str, Sequence[Mapping[str, Any]]],
    training_seconds: float,
    run_files: Path,
    valuation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what every card says, for `write_card` and `summarise`.

    Args:
        houses: The training data.
        recipe: The training parameters.
        seed: The random seed.
        model_id: The content hash that the model returns with each price.
        metrics: The cross-validated metrics.
        studies: The ratio studies of the cross-validated estimates, by their name (see `ratio_studies`).
        training_seconds: The duration of the training.
        run_files: The folder of the files of the run, with its plots.
        valuation: The measures of price, comparables and value (see `held_out_values.report`); None without values.
    """
    years, plots = houses.features["YrSold"], run_files / "plots"
    return {
        **_WITHOUT_COMPARISON,
        "version": None,
        "date": datetime.now(UTC).date().isoformat(),
        "run_id": None,
        "model_id": model_id,
        "seed": seed,
        "training_seconds": training_seconds,
        "recipe": asdict(recipe),
        "folds": recipe.folds,
        "data_sha256": houses.digest,
        "houses": len(houses),
        "prices": [float(value) for value in (houses.prices.min(), houses.prices.max())],
        "sold": [int(years.min()), int(years.max())],
        "overall": dict(metrics),
        "studies": [{"name": name, "rows": [study_cells(one) for one in rows]} for name, rows in studies.items()],
        "study_columns": STUDY_COLUMNS,
        "valuation": valuation
        and {
            "tables": [
                {"columns": VALUATION_COLUMNS, "rows": valuation_rows(valuation)},
                {"columns": CONFIDENCE_COLUMNS, "rows": confidence_rows(valuation)},
            ],
            "blend": valuation["blend"],
        },
        "plots": [{"file": name, "title": title, "data": _base64(plots / name)} for name, title in _PLOTS.items()],
    }


def write_card(content: Mapping[str, Any], folder: Path) -> None:
    """Write the card to a folder as Markdown and as HTML."""
    for name in (MARKDOWN, HTML):
        (folder / name).write_text(_render(name, content), encoding="utf-8")


def summarise(content: Mapping[str, Any]) -> str:
    """Return the card in short, as the description of a registered version."""
    return _render(SUMMARY, content)


def _render(name: str, content: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=PackageLoader("housing_price_model.training", "."),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["measure"] = _format_measure
    return environment.get_template(f"{name}.jinja").render(content)


def _format_measure(value: float, name: str) -> str:
    return f"{value:,.0f}" if name.endswith("_usd") or name == "houses" else f"{value:.4f}"


def _base64(path: Path) -> str:
    return b64encode(path.read_bytes()).decode("ascii")
