"""Writes a backup of the state folder to a file."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, Final

from housing_price.backup.archive import Summary, write_archive
from housing_price.backup.snapshot import Snapshot, snapshot
from housing_price.errors import StackError
from housing_price.stack.state import State
from housing_price_platform.files import OWNER_ONLY, create_file

_NAME: Final = "housing-price-%Y%m%d-%H%M%S.tar.gz"


def back_up(state: State, target: Path) -> tuple[Path, Snapshot, Summary]:
    """Write a backup; services may use the state folder meanwhile.

    Args:
        state: The state folder.
        target: The file to write, which must not exist, or an existing folder for a file whose name has the time.

    Returns:
        The written file, what was copied, and a summary.

    Raises:
        StackError: There is nothing to back up, or the backup cannot be written. Nothing is left of it.
    """
    created = datetime.now(UTC)
    file = (target / created.strftime(_NAME) if target.is_dir() else target).resolve()
    if file.is_relative_to(state.folder):
        raise StackError(f"{file} is inside the state folder {state.folder}: choose another place for backups")
    summaries: list[Summary] = []
    try:
        with snapshot(state) as copied:

            def write(output: BinaryIO) -> None:
                release = version("housing-price")
                summaries.append(write_archive(copied.folder, output, created=created, release=release))

            _create(file, write)
    except FileExistsError as error:
        raise StackError(f"{file} exists: choose another name") from error
    except OSError as error:
        raise StackError(f"the backup {file} cannot be written: {_describe(error)}") from error
    return file, copied, summaries[0]


def _create(file: Path, write: Callable[[BinaryIO], object]) -> None:
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Logged prices and uploaded files are nobody else's business.
        create_file(folder, file.name, write, mode=OWNER_ONLY)
    finally:
        os.close(folder)


def _describe(error: OSError) -> str:
    reason = error.strerror or str(error)
    return reason if error.filename is None else f"{error.filename}: {reason}"
