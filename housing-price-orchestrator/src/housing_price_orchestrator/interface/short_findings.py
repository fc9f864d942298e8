"""Shortens the listed errors of an invalid document, where many documents are answered at once."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

TOO_MANY: Final = "too_many_errors"
"""The type of the last entry, which counts the errors that are not listed."""

_MAX_MESSAGE_CHARACTERS: Final = 120
_MAX_NAME_CHARACTERS: Final = 40
_MAX_INPUT_BYTES: Final = 40
_COUNT_BYTES: Final = 120
"""Upper bound of the size of the entry that counts, with a comma."""


def compact_json(document: Any) -> bytes:
    """Write JSON without spaces; integers may be of any length."""
    # json and not orjson, which cannot encode integers above 64 bits.
    return json.dumps(document, allow_nan=False, separators=(",", ":"), default=str).encode()


def omitted_entry(omitted: int) -> dict[str, Any]:
    """Make the entry that counts the errors that are not listed."""
    message = f"{omitted} more errors are not listed"
    return {"type": TOO_MANY, "loc": ["body"], "msg": message, "ctx": {"omitted": omitted}}


def shortened(listed: Sequence[Mapping[str, Any]], max_bytes: int) -> Sequence[Mapping[str, Any]]:
    """Shorten a list of errors so that its compact JSON takes at most `max_bytes`, or only counts them.

    Limits and allowed values are dropped first, then long texts, then the last errors, which are counted.
    """
    if len(compact_json(listed)) <= max_bytes:
        return listed
    errors = [error for error in listed if error["type"] != TOO_MANY]
    omitted = sum(error["ctx"]["omitted"] for error in listed if error["type"] == TOO_MANY)
    kept: list[Mapping[str, Any]] = []
    room = max_bytes - 2 - _COUNT_BYTES
    for error in errors:
        shorter = next((one for one in _forms(error) if len(compact_json(one)) < room), None)
        if shorter is None:
            break
        kept.append(shorter)
        room -= len(compact_json(shorter)) + 1
    omitted += len(errors) - len(kept)
    return [*kept, omitted_entry(omitted)] if omitted else kept


def _forms(error: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Return an error without its context, and without long texts."""
    plain = {key: value for key, value in error.items() if key != "ctx"}
    short = {
        "type": error["type"],
        "loc": [part[:_MAX_NAME_CHARACTERS] if isinstance(part, str) else part for part in error["loc"]],
        "msg": error["msg"][:_MAX_MESSAGE_CHARACTERS],
    }
    if "input" in error and len(compact_json(error["input"])) <= _MAX_INPUT_BYTES:
        short["input"] = error["input"]
    return [plain, short]
