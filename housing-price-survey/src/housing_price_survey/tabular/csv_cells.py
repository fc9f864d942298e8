"""Splits one record of a CSV file (RFC 4180) into cells."""

import csv
import re
from typing import Final

from housing_price_survey.tabular.encoding import not_utf_8

DELIMITERS: Final = {",": "commas", "\t": "tabs", ";": "semicolons"}
"""The accepted delimiters, and their names in messages."""

_SPACE_BEFORE_DELIMITER: Final = re.compile(r'"[ \t]+(?=[,;]|$)')


def split_record(record: bytes, delimiter: str) -> list[str]:
    """Split a record into cells.

    Raises:
        ValueError: The record is not CSV in UTF-8; the message says why.
    """
    try:
        text = record.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ValueError(not_utf_8(error)) from error
    if "\0" in text:
        raise ValueError("the row contains a NUL byte")
    try:
        return _split(text, delimiter)
    except csv.Error as error:
        # Spaces between a quotation mark and a delimiter are not part of RFC 4180.
        trimmed = _SPACE_BEFORE_DELIMITER.sub('"', text)
        if trimmed != text:
            return split_record(trimmed.encode(), delimiter)
        raise ValueError(f"invalid CSV: {error}") from error


def split_plain_record(record: bytes, delimiter: bytes) -> list[bytes] | None:
    """Split a record of ASCII text without quotation marks, in a fifth of the time of `split_record`.

    The cells are those of `split_record`, except for spaces around them.

    Returns:
        The cells; None if the record is not as plain as that.
    """
    text = record.removesuffix(b"\n").removesuffix(b"\r")
    if b'"' in text or b"\r" in text or b"\n" in text or b"\0" in text or not text.isascii():
        return None
    return text.split(delimiter)


def _split(text: str, delimiter: str) -> list[str]:
    rows = list(csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True))
    return rows[0] if rows else []
