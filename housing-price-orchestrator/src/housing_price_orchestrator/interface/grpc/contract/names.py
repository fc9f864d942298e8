"""Names of enums and their values in the contract."""

import re
from typing import Final

UNSPECIFIED: Final = "UNSPECIFIED"
"""The value 0 of each enum. protobuf uses it for absence; the service refuses it."""

_CAMEL_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9]+")


def upper_snake(name: str) -> str:
    """Return `MS_SUB_CLASS` for `MsSubClass`."""
    return _CAMEL_HUMP.sub("_", name).upper()


def unspecified(enum: str) -> str:
    """Return the name of the value 0 of an enum."""
    return f"{upper_snake(enum)}_{UNSPECIFIED}"


def value_name(enum: str, word: str | int) -> str:
    """Return the name of a word of the survey: `HOUSE_STYLE_1_5FIN` for `1.5Fin`."""
    return f"{upper_snake(enum)}_{_NOT_A_NAME.sub('_', str(word)).strip('_').upper()}"


def member_name(enum: str, member: str) -> str:
    """Return the name of a member of a view, whose humps become words: `FEATURE_GROUP_TERMS_OF_SALE`."""
    return f"{upper_snake(enum)}_{upper_snake(member)}"
