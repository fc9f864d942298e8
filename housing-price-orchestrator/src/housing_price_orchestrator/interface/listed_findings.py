"""Lists the findings of an invalid document for a response: shortened, and with suggestions for unknown keys."""

import difflib
import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from housing_price_orchestrator.interface.short_findings import compact_json, omitted_entry
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.view.fields import house_fields

MAX_SUGGESTIONS: Final = 5
"""Comparing an unknown key with all known keys is slow, so only the first ones get a suggestion."""
MAX_ECHOED_CHARACTERS: Final = 200
MAX_LISTED_BYTES: Final = 32 * 1024
"""Maximum size of the errors that a response lists."""


def listed_findings(findings: Sequence[Mapping[str, Any]], omitted: int = 0) -> list[dict[str, Any]]:
    """Make the list of findings for a response: the first ones, then one entry with the count of the others.

    At most `MAX_FINDINGS` are listed, and as many as fit into `MAX_LISTED_BYTES`.
    """
    listed: list[dict[str, Any]] = []
    suggestions = 0
    for finding in findings[: errors.MAX_FINDINGS]:
        entry = _without_long_values(finding)
        if finding["type"] == "extra_forbidden" and suggestions < MAX_SUGGESTIONS:
            suggestions += 1
            if suggestion := _similar_key(str(finding["loc"][-1])):
                entry.setdefault("ctx", {})["didYouMean"] = suggestion
        listed.append(entry)
    if len(compact_json(listed)) > MAX_LISTED_BYTES:
        ends = accumulate(len(compact_json(entry)) for entry in listed)
        listed = [entry for entry, end in zip(listed, ends, strict=True) if end <= MAX_LISTED_BYTES]
    omitted += len(findings) - len(listed)
    return [*listed, omitted_entry(omitted)] if omitted > 0 else listed


def _without_long_values(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a finding, keeping only inputs and context values that are short scalars."""
    entry = {
        "type": finding["type"],
        "loc": [part[:MAX_ECHOED_CHARACTERS] if isinstance(part, str) else part for part in finding["loc"]],
        "msg": finding["msg"],
    }
    if "input" in finding and _is_short_scalar(finding["input"]):
        entry["input"] = finding["input"]
    context = {
        key: value for key, value in finding.get("ctx", {}).items() if _is_short_scalar(value, max_characters=2_000)
    }
    if context:
        entry["ctx"] = context
    return entry


def _is_short_scalar(value: Any, max_characters: int = MAX_ECHOED_CHARACTERS) -> bool:
    match value:
        case None | bool():
            return True
        case str():
            return len(value) <= max_characters
        case int():
            # A decimal digit takes log2(10) bits. str() cannot be used: it raises for very long integers.
            return value.bit_length() <= max_characters * math.log2(10)
        case float():
            return math.isfinite(value)
    return False


_KEY_OF_LOWER_CASE: Final = {field.key.lower(): field.key for field in house_fields()}


def _similar_key(key: str) -> str | None:
    if len(key) > MAX_ECHOED_CHARACTERS:
        return None
    close = difflib.get_close_matches(key.replace("_", "").lower(), _KEY_OF_LOWER_CASE, n=1, cutoff=0.8)
    return _KEY_OF_LOWER_CASE[close[0]] if close else None
