"""Prints the addresses of the running stack and an example request."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from housing_price.processes.output import Output
from housing_price.stack.api_checks import PREDICT_PATH
from housing_price.stack.api_url import certificate_file, is_open, public_url
from housing_price.stack.plan import Plan
from housing_price.stack.state import EXAMPLE
from housing_price_model.registry.names import version_page
from housing_price_platform.environment.variables import SharedVariable


def show_addresses(
    output: Output,
    plan: Plan,
    seconds: float,
    price: float | None,
    *,
    version: str,
    missing: Sequence[str] = (),
    has_registry: bool = True,
) -> None:
    """Print the table of addresses and a command that prices the example house.

    Args:
        output: Where to print.
        plan: The addresses of the services.
        seconds: Duration of the start.
        price: Price of the example house in USD, as the API just returned it; None if it requires a key.
        version: The version that is served as champion.
        missing: Names of the services that did not start.
        has_registry: Whether the tracking server and its registry work.
    """
    state, style = "All services are running", "bold green"
    if not has_registry:
        state, style = "Prices are served, but the registry is out of service", "bold red"
    elif missing:
        state, style = f"All services are running except {', '.join(missing)}", "bold yellow"
    api, tracking = public_url(plan.orchestrator), plan.tracking.url
    table = Table(
        title=f"{state} (started in {seconds:.1f} s). Press Ctrl-C to stop.",
        title_style=style,
    )
    table.add_column("Service", no_wrap=True)
    table.add_column("Address", no_wrap=True)
    table.add_row("House price API", f"{api}{PREDICT_PATH}")
    if plan.grpc is not None:
        table.add_row("House price API over gRPC", f"{plan.grpc.url_host}:{plan.grpc.port}")
    table.add_row("API documentation", f"{api}/docs")
    table.add_row("MLflow tracking and registry", tracking)
    table.add_row("Model server", f"{plan.model_server.url}/invocations")
    table.add_row("Comparables server", f"{plan.comparables_server.url}/invocations")
    output.table(table)
    # On a line of its own: a narrow table would cut the address.
    output.show(Text(f"The champion is version {version}: {version_page(tracking, version)}"))
    known = "" if price is None else f" (the example house is priced at {price:,.0f} USD)"
    prompt = f"Price a house{known}:"
    output.show(Text.assemble(prompt, "\n\n  ", (curl_line(api), "bold"), "\n"))


def curl_line(api_url: str) -> str:
    """Return a shell command that prices the example house, for use in the current folder."""
    example = EXAMPLE.relative_to(Path.cwd()) if EXAMPLE.is_relative_to(Path.cwd()) else EXAMPLE
    words = ["curl", "-s", f"{api_url}{PREDICT_PATH}", "-H", "content-type: application/json"]
    if certificate := certificate_file():
        words += ["--cacert", certificate]
    # Not quoted by `shlex`, so that the shell inserts the key.
    key = "" if is_open() else f' -H "authorization: Bearer ${SharedVariable.API_KEY}"'
    return f"{shlex.join(words)}{key} {shlex.join(['-d', f'@{example}'])}"
