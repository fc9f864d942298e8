"""Stands in for a runner where model servers are started by other means: `housing-price-model observe`."""

from pathlib import Path
from typing import Annotated

import typer

from housing_price_model.console import output, readable_errors
from housing_price_model.errors import ServingFolderError

app = typer.Typer()


@app.command()
def observe(
    servers: Annotated[list[str], typer.Argument(metavar="VERSION=URL...", help="All model servers that run now.")],
    serving: Annotated[Path, typer.Option(help="The folder that says what is served.")] = Path(
        ".housing-price/serving"
    ),
    within: Annotated[float, typer.Option(min=0, help="How long to wait for them, in seconds.")] = 60,
) -> None:
    """Tell the lifecycle worker which model servers run, where nobody starts them from the desired state.

    Waits until each of them answers and its job asks for it. Requests follow those that serve a version with a part to
    other addresses.
    """
    from pydantic import ValidationError  # noqa: PLC0415  # --help does not wait for it

    from housing_price_model.lifecycle import observing  # noqa: PLC0415  # the same
    from housing_price_model.lifecycle.documents import SeenServer  # noqa: PLC0415  # the same
    from housing_price_model.lifecycle.serving_folder import ServingFolder  # noqa: PLC0415  # the same

    with readable_errors():
        folder = ServingFolder(serving)
        try:
            seen = tuple(
                SeenServer(version=version, address=url.rstrip("/"), state="ready")
                for version, _, url in (one.partition("=") for one in servers)
            )
        except ValidationError as exc:
            raise ServingFolderError(f"{' '.join(servers)}: should be VERSION=URL, like 2=http://host:8080") from exc
        folder.prepare()
        desired = observing.observe(folder, seen, within)
    missing = [server.version for server in desired.servers if server.version not in {one.version for one in seen}]
    if missing:
        output.print(f"Wanted and not among them: version {', '.join(missing)}.")
