"""Reads the request for a move: the only argument of the workflow `move`."""

from typing import Any

from pydantic import ValidationError

from housing_price_model.errors import MoveError
from housing_price_platform.orders.findings import describe_findings
from housing_price_platform.orders.moves import Move


def move_of(argument: Any) -> Move:
    """Parse the argument of a job.

    Raises:
        MoveError: `invalid-argument`; the message lists each invalid key.
    """
    try:
        return Move.model_validate(argument)
    except ValidationError as error:
        raise MoveError("invalid-argument", describe_findings(error)) from error
