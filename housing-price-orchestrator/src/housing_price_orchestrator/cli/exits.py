"""The end of a command that cannot do its work: a message on standard error and exit status 2."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from housing_price_orchestrator.settings import InvalidSettings
from housing_price_platform.output.terminal import echo


def exit_with_error(message: str) -> NoReturn:
    """Print the message to standard error and exit with status 2."""
    echo(f"housing-price-orchestrator: {message}", err=True)
    sys.exit(2)


@contextmanager
def exit_on_invalid_settings() -> Iterator[None]:
    """Turn invalid settings into a message that names each variable."""
    try:
        yield
    except InvalidSettings as error:
        exit_with_error(f"invalid configuration:\n{error}")
