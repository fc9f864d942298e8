"""Measures what the README promises of an exported model, as a Markdown table."""

from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from mlflow.models import Model

from housing_price_model.artefact.export import MODEL, read_export
from housing_price_model.fitting.pack import load
from housing_price_model.survey.data import BUNDLED, read_houses

_CALLS: Final = 200


def table(export: Path) -> str:
    """Measure an exported model on this machine; cross-validated figures are those that training recorded.

    Raises:
        ArtefactError: the folder holds no export, or not the one that its manifest records.
    """
    read_export(export)
    model = export / MODEL
    metadata = Model.load(str(model)).metadata or {}
    found = metadata["cross_validation"]
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    one, thousand = (_median_ms(model, rows) for rows in (1, 1000))
    rows = [
        ("RMSLE", "<= 0.119", f"{found['rmsle']:.4f}"),
        ("MAE", "<= 12,900 USD", f"{found['mae_usd']:,.0f} USD"),
        ("RMSE", "", f"{found['rmse_usd']:,.0f} USD"),
        ("coverage of the 90 % interval", "88 to 92 %", f"{found['coverage']:.1%}"),
        ("median width of the interval", "below the next two", f"{found['median_width_usd']:,.0f} USD"),
        ("the same width for all, same coverage", "", f"{found['constant_width_usd']:,.0f} USD"),
        ("the same share of all, same coverage", "", f"{found['constant_ratio_median_width_usd']:,.0f} USD"),
        ("predict, 1 row (median)", "<= 2 ms", f"{one:.2f} ms"),
        ("predict, 1,000 rows (median)", "<= 25 ms", f"{thousand:.1f} ms"),
        ("training with cross-validation", "<= 90 s", f"{metadata['training_seconds']:.0f} s"),
        ("artefact", "<= 10 MB", f"{size / 1e6:.2f} MB"),
    ]
    lines = ["| measure | to reach | measured |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def _median_ms(model: Path, rows: int) -> float:
    """Time the model's own predict, without MLflow's check of its input."""
    artifacts = model / "artifacts"
    predict = load({"graph": str(artifacts / "graph.onnx"), "spec": str(artifacts / "spec.json")})
    frame = read_houses(BUNDLED).features.head(rows)
    times = []
    for _ in range(_CALLS):
        started = perf_counter()
        predict(frame)
        times.append((perf_counter() - started) * 1000)
    return median(times)
