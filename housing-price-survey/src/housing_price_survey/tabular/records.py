"""One house of a file, before it is validated."""

from typing import NamedTuple


class Record(NamedTuple):
    """One record of a file."""

    line: int
    """The number of the line or row at which the record begins, from 1."""
    values: dict[str, object] | None
    """The values by key of the API; None if the record cannot be read. Text that is not a number stays text."""
    problem: str | None
    """Why the record cannot be read."""
    end: int
    """The byte offset of the next record; 0 in files without lines."""
