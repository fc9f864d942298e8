"""`housing-price-model compare-shadow`: compare a shadow with the prices that were returned."""

import json
from typing import Annotated

import typer

from housing_price_model.cli.log_options import From, Json, LogUrl, To, check_time_range
from housing_price_model.console import output, readable_errors
from housing_price_platform.output.tables import print_part

app = typer.Typer()


@app.command("compare-shadow")
def compare_with_shadow(
    version: Annotated[str, typer.Argument(help="Version that ran as shadow.")],
    *,
    log: LogUrl,
    answered_by: Annotated[
        str | None, typer.Option("--with", help="Compare only with prices returned by this version.")
    ] = None,
    start: From = None,
    end: To = None,
    as_json: Json = None,
) -> None:
    """Show how a shadow's prices differ from those returned for the same requests."""
    check_time_range(start, end)
    from housing_price_model.atomic_write import write_atomically  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log.reader import open_log  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log.rows import Window  # noqa: PLC0415  # slow import
    from housing_price_model.shadow.comparison import compare_shadow  # noqa: PLC0415  # slow import
    from housing_price_model.shadow.tables import tables  # noqa: PLC0415  # slow import

    with readable_errors():
        with open_log(log) as reader:
            comparison = compare_shadow(reader, Window(start, end), version, answered_by)
        if as_json:
            write_atomically(as_json, json.dumps(comparison.to_json(), indent=2) + "\n")
    for part in tables(comparison):
        print_part(output, part)
