"""What a user is told when everything is up: where it is, and how to ask for a price."""

import shlex
from pathlib import Path

from rich.table import Table
from rich.text import Text

from housing_price.stack.output import Output
from housing_price.stack.services import PREDICT_PATH, Plan
from housing_price.stack.state import EXAMPLE


def show_addresses(output: Output, plan: Plan, seconds: float, price: float) -> None:
    """Print the table of addresses and a line to paste.

    Args:
        output: Where to print.
        plan: What runs where.
        seconds: How long the start took.
        price: What the example house was just priced at, in USD.
    """
    api, models, tracking = (address.url for address in plan.addresses)
    table = Table(title=f"Everything is up after {seconds:.1f} s; Ctrl-C ends it", title_style="bold green")
    table.add_column("What", no_wrap=True)
    table.add_column("Where", no_wrap=True)
    table.add_row("House price API", f"{api}{PREDICT_PATH}")
    table.add_row("Documentation, to try out", f"{api}/docs")
    table.add_row("MLflow: runs, models, versions", tracking)
    table.add_row("Model server", f"{models}/invocations")
    output.show(table)
    house = f"Price a house (the example's price is {price:,.0f} USD):"
    output.show(Text.assemble(house, "\n\n  ", (curl_line(api), "bold"), "\n"))


def curl_line(api_url: str) -> str:
    """A shell command that prices the example house, for the folder that the runner was started in."""
    example = EXAMPLE.relative_to(Path.cwd()) if EXAMPLE.is_relative_to(Path.cwd()) else EXAMPLE
    words = ["curl", "-s", f"{api_url}{PREDICT_PATH}", "-H", "content-type: application/json", "-d", f"@{example}"]
    return shlex.join(words)
