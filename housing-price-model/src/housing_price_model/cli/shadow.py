"""The command that compares a shadow with what was answered: `housing-price-model compare-shadow`."""

import json
from typing import Annotated

import typer

from housing_price_model.cli.prediction_log import From, Json, LogUrl, To
from housing_price_model.console import output, readable_errors

app = typer.Typer()


@app.command("compare-shadow")
def compare_with_shadow(
    version: Annotated[str, typer.Argument(help="The version that was the shadow.")],
    *,
    log: LogUrl,
    answered_by: Annotated[str | None, typer.Option("--with", help="Only answers of this version.")] = None,
    start: From = None,
    end: To = None,
    as_json: Json = None,
) -> None:
    """Tell how a shadow's prices differ from those that were answered to the same requests."""
    from housing_price_model.atomic_write import write_atomically  # noqa: PLC0415  # its libraries load slowly
    from housing_price_model.prediction_log.reader import Window, opened  # noqa: PLC0415  # the same
    from housing_price_model.shadow.comparison import compare_shadow  # noqa: PLC0415  # the same
    from housing_price_model.shadow.tables import tables  # noqa: PLC0415  # the same

    with readable_errors():
        with opened(log) as found:
            compared = compare_shadow(found, Window(start, end), version, answered_by)
        if as_json:
            write_atomically(as_json, json.dumps(compared.to_json(), indent=2) + "\n")
    for part in tables(compared):
        output.print(part)
