"""The command `evaluate`: the measures of a registered version."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from housing_price_model.console import TrackingUri, output, readable_errors
from housing_price_model.registry.names import CHAMPION, DEFAULT_TRACKING_URI, NAME
from housing_price_platform.output.tables import print_table

app = typer.Typer()


@app.command()
def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(
            help="CSV, NDJSON or Parquet file of sold houses, with SalePrice. Default: the measures on held-out houses "
            "that training stored."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Registered model: models:/NAME@ALIAS, models:/NAME/VERSION or models:/NAME@DIGEST.")
    ] = f"models:/{NAME}@{CHAMPION}",
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print tables in Markdown.")] = False,
) -> None:
    """Measure a registered version: prices, comparables and values on held-out houses, or prices with --data.

    Results with --data on houses that the model was trained on are too optimistic.
    """
    from housing_price_model.training import evaluate_registered, study_table  # noqa: PLC0415  # slow import

    with readable_errors():
        if data is None:
            name, measures = evaluate_registered.held_out_measures(model, tracking_uri)
            tables = study_table.tables_of(name, measures)
        else:
            evaluation = evaluate_registered.evaluate_registered(model, data, tracking_uri)
            if not markdown:
                print_metrics(evaluation.name, evaluation.metrics)
            tables = [study_table.studies_table(evaluation.name, evaluation.studies)]
    for table in tables:
        _print(table.title, table.columns, table.rows, as_markdown=markdown)


def print_metrics(title: str, metrics: Mapping[str, float]) -> None:
    """Print measures by name."""
    table = Table("Metric", "Value", title=title)
    for name, value in metrics.items():
        table.add_row(name, f"{value:,.0f}" if name.endswith("_usd") else f"{value:.4f}")
    print_table(output, table)


def _print(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, as_markdown: bool) -> None:
    if as_markdown:
        lines = [f"**{title}**", "", _line(columns), "|---" * len(columns) + "|", *map(_line, rows), ""]
        output.print("\n".join(lines), soft_wrap=True, highlight=False)
        return
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    print_table(output, table)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
