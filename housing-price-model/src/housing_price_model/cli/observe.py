"""`housing-price-model observe`: report running model servers to the lifecycle worker.

Used where something other than the stack's runner starts the model servers.
"""

from pathlib import Path
from typing import Annotated

import typer

from housing_price_model.console import output, readable_errors
from housing_price_model.errors import ServingFolderError
from housing_price_platform.orders.moves import ServedModel

app = typer.Typer()


@app.command()
def observe(
    servers: Annotated[list[str], typer.Argument(metavar="VERSION=URL...", help="Every model server that is running.")],
    serving: Annotated[Path, typer.Option(help="Serving folder, shared with the runner and the orchestrator.")] = Path(
        ".housing-price/serving"
    ),
    model: Annotated[ServedModel, typer.Option(help="Registered model that these servers serve.")] = ServedModel.PRICE,
    within: Annotated[float, typer.Option(min=0, help="Maximum wait for the servers, in seconds.")] = 60,
) -> None:
    """Report the running model servers to the lifecycle worker, where no runner starts them.

    Waits until each server responds and the desired state contains its version. Traffic of a version then goes to the
    reported address.
    """
    from pydantic import ValidationError  # noqa: PLC0415  # slow import

    from housing_price_model.lifecycle import external_servers  # noqa: PLC0415  # slow import
    from housing_price_model.lifecycle.documents import SeenServer  # noqa: PLC0415  # slow import
    from housing_price_model.lifecycle.serving_folder import ServingFolder  # noqa: PLC0415  # slow import

    with readable_errors():
        folder = ServingFolder(serving).of(model)
        try:
            seen = tuple(
                SeenServer(version=version, address=url.rstrip("/"), state="ready")
                for version, _, url in (one.partition("=") for one in servers)
            )
        except ValidationError as error:
            raise ServingFolderError(
                f"{' '.join(servers)}: expected VERSION=URL, for example 2=http://host:8080"
            ) from error
        folder.prepare()
        desired = external_servers.report(folder, seen, within)
    missing = [server.version for server in desired.servers if server.version not in {one.version for one in seen}]
    if missing:
        output.print(f"Desired but not reported: version {', '.join(missing)}.")
