"""Measures an exported model and prints its benchmark table of the README."""

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import pandas as pd
from mlflow.models import Model

from housing_price_model.artefact.export import MODEL, read_export
from housing_price_model.artefact.kinds import COMPARABLES, PRICE, Kind
from housing_price_model.comparables.pack import load_comparables
from housing_price_model.fitting.pack import load
from housing_price_model.survey.data import BUNDLED, read_houses

_CALLS: Final = {1: 200, 1000: 40}
"""Number of timed calls, by rows per call."""


def benchmark_table(export: Path) -> str:
    """Measure an exported model of either kind on this machine, as a Markdown table.

    Cross-validated metrics and the training time are those recorded by training.

    Raises:
        ArtefactError: The folder is not an export, or its files differ from the manifest.
    """
    manifest = read_export(export)
    model = export / MODEL
    is_price = manifest.name != COMPARABLES.registered_name
    rows = _price_rows(model) if is_price else _comparables_rows(model)
    lines = ["| measure | target | measured |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def _price_rows(model: Path) -> list[tuple[str, str, str]]:
    metadata = Model.load(str(model)).metadata or {}
    metrics = metadata["cross_validation"]
    one, thousand = _medians_ms(load(_artifacts(model, PRICE)))
    return [
        ("RMSLE", "<= 0.119", f"{metrics['rmsle']:.4f}"),
        ("MAE", "<= 12,900 USD", f"{metrics['mae_usd']:,.0f} USD"),
        ("RMSE", "", f"{metrics['rmse_usd']:,.0f} USD"),
        ("coverage of the 90 % interval", "88 to 92 %", f"{metrics['coverage']:.1%}"),
        ("median interval width", "below the next two rows", f"{metrics['median_width_usd']:,.0f} USD"),
        ("constant width with the same coverage", "", f"{metrics['constant_width_usd']:,.0f} USD"),
        (
            "constant share of the price with the same coverage, median width",
            "",
            f"{metrics['constant_ratio_median_width_usd']:,.0f} USD",
        ),
        ("PRB of the price", "-0.04 to 0.04", f"{metrics['prb']:.3f}"),
        *_value_rows(metrics),
        ("predict, 1 row (median)", "<= 2 ms", f"{one:.2f} ms"),
        ("predict, 1,000 rows (median)", "<= 25 ms", f"{thousand:.1f} ms"),
        ("training with cross-validation", "<= 90 s", f"{metadata['training_seconds']:.0f} s"),
        ("artefact", "<= 10 MB", f"{_megabytes(model):.2f} MB"),
    ]


def _value_rows(metrics: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """Return the rows of the value; models of earlier releases have none."""
    if "value_rmsle" not in metrics:
        return []
    return [
        ("value: RMSLE", "<= 0.1140", f"{metrics['value_rmsle']:.4f}"),
        ("value: MAE", "<= 12,300 USD", f"{metrics['value_mae_usd']:,.0f} USD"),
        ("value: coverage of the 90 % interval", "88 to 92 %", f"{metrics['value_coverage']:.1%}"),
        ("value: median interval width", "<= that of the price", f"{metrics['value_median_width_usd']:,.0f} USD"),
    ]


def _comparables_rows(model: Path) -> list[tuple[str, str, str]]:
    one, thousand = _medians_ms(load_comparables(_artifacts(model, COMPARABLES)))
    return [
        ("predict, 1 row (median)", "<= 3 ms", f"{one:.2f} ms"),
        ("predict, 1,000 rows (median)", "<= 300 ms", f"{thousand:.1f} ms"),
        ("artefact", "<= 2 MB", f"{_megabytes(model):.2f} MB"),
    ]


def _artifacts(model: Path, kind: Kind) -> dict[str, str]:
    return {name: str(model / file) for name, file in kind.artifacts.items()}


def _megabytes(model: Path) -> float:
    return sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) / 1e6


def _medians_ms(predict: Callable[[pd.DataFrame], pd.DataFrame]) -> tuple[float, float]:
    """Return the median times of a model's own predict for 1 and 1,000 rows, without MLflow's checks, in ms."""
    houses = read_houses(BUNDLED).features
    return _median_ms(predict, houses.head(1)), _median_ms(predict, houses.head(1000))


def _median_ms(predict: Callable[[pd.DataFrame], pd.DataFrame], frame: pd.DataFrame) -> float:
    times_ms = []
    for _ in range(_CALLS[len(frame)]):
        started = perf_counter()
        predict(frame)
        times_ms.append((perf_counter() - started) * 1000)
    return median(times_ms)
