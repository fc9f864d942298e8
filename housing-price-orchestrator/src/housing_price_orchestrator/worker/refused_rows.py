"""Writes refused rows in bounded space: a small file must not become a large one because all its rows are invalid."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from housing_price_orchestrator.interface.problems import extension_members, problem_type_of
from housing_price_orchestrator.interface.short_findings import compact_json, shortened
from housing_price_orchestrator.shared.errors import HousingPriceError

MAX_BYTES_PER_ROW: Final = 500
"""Maximum size of a refused row; its errors are shortened, and the last ones counted."""
MAX_RATIO: Final = 10
"""Maximum size of all refused rows, relative to the size of the input file."""
MIN_TOTAL_BYTES: Final = 1_000_000
"""Refused rows of a small input may take this much in total."""

_LAST_LINE_BYTES: Final = 300


class RefusedRowsLimit:
    """Counts the bytes of the refused rows of a file, and says which rows are still listed.

    Once a row is unlisted, all later ones are: then the file is a complete beginning.
    """

    def __init__(self, input_bytes: int, *, written_bytes: int = 0, unlisted: int = 0) -> None:
        """Limit the refused rows of an input file of `input_bytes`, of which earlier steps wrote `written_bytes`.

        `unlisted` is the number of rows that are already unlisted.
        """
        self._room = max_total_bytes(input_bytes) - _LAST_LINE_BYTES - written_bytes
        self.unlisted = unlisted

    @property
    def is_full(self) -> bool:
        """Whether a row is unlisted, so that no further row is listed."""
        return self.unlisted > 0

    def admits(self, line: bytes) -> bool:
        """Count a row; return whether it is listed."""
        if self.is_full or len(line) > self._room:
            self.unlisted += 1
            return False
        self._room -= len(line)
        return True


@dataclass(frozen=True)
class RefusedRows:
    """Refused rows as JSON lines."""

    lines: bytes
    unlisted: int
    """The number of rows that are not listed because the file is full."""


def max_total_bytes(input_bytes: int) -> int:
    """Return the maximum size of all refused rows of an input file."""
    return max(MIN_TOTAL_BYTES, MAX_RATIO * input_bytes)


class RefusedOfStep:
    """Collects the refused rows of one step as lines, so that their errors, which are large, need not be kept."""

    def __init__(
        self,
        describe: Callable[[HousingPriceError], Mapping[str, Any]],
        *,
        written_bytes: int,
        unlisted: int,
        input_bytes: int,
    ) -> None:
        """Begin with the size of the refused rows of earlier steps, and the number of those that are not listed."""
        self._describe = describe
        self._input_bytes = input_bytes
        self._lines: list[bytes] = []
        self.count = 0
        """The number of refused rows of this step."""
        self.written_bytes = written_bytes
        """The size of the refused rows of all steps."""
        self.unlisted = unlisted
        """The number of unlisted rows of all steps."""

    def add(self, refused: Sequence[tuple[int, HousingPriceError]]) -> None:
        """Add rows, in order, each with its number and why it is refused."""
        if not refused:
            return
        rows = write_refused(
            refused,
            self._describe,
            written_bytes=self.written_bytes,
            is_full=self.unlisted > 0,
            input_bytes=self._input_bytes,
        )
        self._lines.append(rows.lines)
        self.count += len(refused)
        self.written_bytes += len(rows.lines)
        self.unlisted += rows.unlisted

    def lines(self) -> bytes:
        """Return the rows of this step as JSON lines."""
        return b"".join(self._lines)


def write_refused(
    refused: Iterable[tuple[int, HousingPriceError]],
    describe: Callable[[HousingPriceError], Mapping[str, Any]],
    *,
    written_bytes: int,
    is_full: bool,
    input_bytes: int,
) -> RefusedRows:
    """Write refused rows, each with its number, as long as there is room.

    Args:
        refused: The numbers of the rows, and why they are refused.
        describe: Describes an error as the API does.
        written_bytes: The size of the earlier refused rows.
        is_full: Whether an earlier row is already unlisted.
        input_bytes: The size of the input file.
    """
    limit = RefusedRowsLimit(input_bytes, written_bytes=written_bytes, unlisted=int(is_full))
    lines: list[bytes] = []
    for number, error in refused:
        # A description takes long, so none is made for a row that is not listed.
        line = b"" if limit.is_full else refused_line(number, describe(error))
        if limit.admits(line):
            lines.append(line)
    return RefusedRows(b"".join(lines), limit.unlisted - int(is_full))


def describe_error(error: HousingPriceError) -> Mapping[str, Any]:
    """Describe an error of a row in the terms of the API's problem documents."""
    problem = problem_type_of(error)
    return {"code": problem.name, "title": problem.title, **extension_members(error)}


def refused_line(number: int, description: Mapping[str, Any]) -> bytes:
    """Write one refused row in at most `MAX_BYTES_PER_ROW`."""
    line = compact_json({"row": number, **description}) + b"\n"
    if len(line) <= MAX_BYTES_PER_ROW or "errors" not in description:
        return line
    rest = len(compact_json({"row": number, **description, "errors": []})) + 1 - len(b"[]")
    errors = shortened(description["errors"], MAX_BYTES_PER_ROW - rest)
    return compact_json({"row": number, **description, "errors": errors}) + b"\n"


def last_line(unlisted: int, input_bytes: int) -> bytes:
    """Write the line that ends a file in which rows are unlisted."""
    limit = max_total_bytes(input_bytes)
    detail = f"{unlisted} more rows were refused. They are not listed: this file may take at most {limit} bytes."
    title = "More rows were refused"
    document = {"row": None, "code": "refused-rows-cut", "title": title, "detail": detail, "unlisted": unlisted}
    return compact_json(document) + b"\n"
