"""The commands `housing-price backup` and `housing-price restore`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from housing_price.backup.create import back_up
from housing_price.backup.restore import restore as restore_backup
from housing_price.errors import StackError
from housing_price.stack.state import DEFAULT_STATE, State
from housing_price_platform.output.terminal import echo

_ELSEWHERE: Final = {
    "ORCHESTRATOR_PREDICTION_LOG__URL": "the prediction log",
    "ORCHESTRATOR_JOBS__DATABASE_URL": "the jobs database",
    "ORCHESTRATOR_JOBS__FOLDER": "the files of jobs",
}
"""Variables with which parts of the state are outside the state folder."""

StateDir = Annotated[
    Path, typer.Option(file_okay=False, help="Folder for databases, models and job files.", show_default=False)
]


def backup(
    target: Annotated[Path, typer.Argument(metavar="FOLDER|FILE", help="File to write, or an existing folder for it.")],
    state_dir: StateDir = DEFAULT_STATE,
) -> None:
    """Back up the state of `housing-price up`, also while it runs: models, runs, prediction log, jobs and files."""
    with _errors():
        file, copied, summary = back_up(State(state_dir.resolve()), target)
    for path in copied.skipped:
        echo(f"warning: {path} is left out: it is neither a file nor a folder", err=True)
    for variable, what in _ELSEWHERE.items():
        if os.environ.get(variable):
            echo(f"warning: {what} may be elsewhere ({variable} is set) and need a backup of its own", err=True)
    size = f"{summary.files} files, {summary.content_bytes / 1e6:.1f} MB, {copied.databases} databases"
    echo(f"Backed up {state_dir} to {file}: {size}.")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `housing-price backup`.")],
    *,
    state_dir: StateDir = DEFAULT_STATE,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a folder that has a state; it is kept under another name.")
    ] = False,
) -> None:
    """Restore a backup as a state folder, for `housing-price up`. Every file is compared with its digest first."""
    with _errors():
        summary, earlier = restore_backup(file, state_dir.resolve(), replace=replace)
    if earlier is not None:
        echo(f"The earlier state is in {earlier}.")
    size = f"{summary.files} files, {summary.content_bytes / 1e6:.1f} MB"
    echo(f"Restored the backup of {summary.created} to {state_dir}: {size}, all with their digests.")


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except StackError as error:
        echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
