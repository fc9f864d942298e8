"""Checks the file of `up --data` before anything is started."""

import sqlite3
from pathlib import Path

from housing_price.errors import StackError
from housing_price.stack.champion import read_champion
from housing_price.stack.state import State
from housing_price_model.errors import DataError


def check_training_data(file: Path, state: State) -> str | None:
    """Check that the models can be trained on a file of sold houses.

    Returns:
        Why the file is not used; None if it is: the registry has no champion yet.

    Raises:
        StackError: The file cannot be used. The message is one line.
    """
    try:
        champion = read_champion(state.database)
    except sqlite3.Error:
        champion = None  # `up` reports the damage
    if champion is not None:
        return (
            f"{file} (--data) is not used: version {champion.version} is already the champion. To train on it, run "
            f"`housing-price jobs submit --train {file}` while the stack runs, then promote the version"
        )
    from housing_price_model.survey.data import read_houses, require_enough_houses  # noqa: PLC0415 - slow to import

    try:
        require_enough_houses(read_houses(file), file)
    except DataError as error:
        raise StackError(_in_one_line(error)) from error
    return None


def _in_one_line(error: DataError) -> str:
    """Return the summary and the first finding of an error that lists every finding."""
    summary, *findings = str(error).splitlines()
    first = f". The first: {findings[0].strip()}" if findings else ""
    return f"--data {summary}{first}"
