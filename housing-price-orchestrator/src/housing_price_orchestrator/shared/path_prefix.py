"""The path prefix under which a proxy publishes this service, such as `/prices`."""

import re
from typing import Final

MAX_PREFIX_CHARACTERS: Final = 256

# Characters with a meaning in URLs, HTML or JavaScript are excluded, because pages and links contain the prefix.
_PREFIX: Final = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*/?")


def normal_prefix(prefix: str) -> str | None:
    """Return the prefix without a slash at its end, empty for `/`; None if it is not a valid prefix."""
    is_valid = len(prefix) <= MAX_PREFIX_CHARACTERS and _PREFIX.fullmatch(prefix)
    return prefix.rstrip("/") if is_valid else None
