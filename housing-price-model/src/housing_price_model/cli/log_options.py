"""Options and exit status of the commands that read the prediction log."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from housing_price_platform.environment.variables import SharedVariable

EXIT_FINDING: Final = 3
"""Exit status of a negative finding: a drift alarm, prices that are not reproduced. 1 is an error, 2 a usage error."""

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_time(text: str) -> datetime:
    """Parse an ISO 8601 time as UTC; a time without a zone is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a valid time; examples: 2026-11-21, 2026-11-21T06:30:00Z") from error
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def parse_duration(text: str) -> timedelta:
    """Parse a duration such as 90s, 15m, 24h or 7d."""
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if not match:
        raise typer.BadParameter(f"{text!r} is not a valid duration; examples: 90s, 15m, 24h, 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def check_time_range(start: datetime | None, end: datetime | None) -> None:
    """End the command with a usage error if the range, whose end is exclusive, cannot contain anything."""
    if start is not None and end is not None and start >= end:
        raise typer.BadParameter(f"--to ({end}) must be later than --from ({start}): the end is exclusive")


LogUrl = Annotated[
    str,
    typer.Option(
        "--log",
        envvar=SharedVariable.PREDICTION_LOG_URL,
        help="The prediction log: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.",
    ),
]
From = Annotated[
    datetime | None, typer.Option("--from", parser=parse_time, metavar="TIME", help="Start of the time range, in UTC.")
]
To = Annotated[
    datetime | None,
    typer.Option("--to", parser=parse_time, metavar="TIME", help="End of the time range (exclusive), in UTC."),
]
ModelId = Annotated[str | None, typer.Option(help="Only prices of the model with this model_id.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON to this file.")]
