"""Content negotiation at `/`: whether a request prefers the page or JSON (RFC 9110, section 12.5.1).

Neither Starlette nor FastAPI negotiates content.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's name for a word
_QUOTED: Final = r'"(?:\\.|[^"])*+(?:"|\Z)'
_ELEMENT: Final = re.compile(rf'(?:[^,"]|{_QUOTED})+')
"""An element of a list: a comma in a quoted string does not end it. Takes linear time, whatever the header holds."""
_PARAMETER: Final = re.compile(rf";[ \t]*(?:({_TOKEN})=({_TOKEN}|{_QUOTED}))?[ \t]*")
_TYPE: Final = re.compile(rf"[ \t]*({_TOKEN})/({_TOKEN})[ \t]*")
_WEIGHT: Final = re.compile(r"0?\.[0-9]+|0\.?|1(?:\.0*)?")


class MediaRange(NamedTuple):
    """An element of an `Accept` header: media types, and how much the client likes them."""

    type: str
    subtype: str
    has_parameters: bool
    weight: float

    def specificity_for(self, type_: str, subtype: str) -> int:
        """Return how precisely this range names a media type; 0 if it does not include it.

        Parameters such as `charset` are ignored. A range with parameters ranks below the same range without them.
        """
        match self.type, self.subtype:
            case "*", "*":
                return 1
            case own, "*" if own == type_:
                return 2
            case own, own_subtype if (own, own_subtype) == (type_, subtype):
                return 3 if self.has_parameters else 4
            case _:
                return 0


def prefers_html(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request likes `text/html` better than `application/json`.

    Programs send `*/*` or no `Accept` at all, so a tie goes to JSON. Malformed elements are ignored.
    """
    accept = ",".join(value.decode("latin-1") for name, value in headers if name == b"accept")
    ranges = list(_parse(accept))
    return _weight_of("text", "html", ranges) > _weight_of("application", "json", ranges)


def _weight_of(type_: str, subtype: str, ranges: Iterable[MediaRange]) -> float:
    """Return the weight of a media type: that of the most specific range, and the highest of equally specific ones."""
    best = (0, 0.0)
    for one in ranges:
        if specificity := one.specificity_for(type_, subtype):
            best = max(best, (specificity, one.weight))
    return best[1]


def _parse(accept: str) -> Iterator[MediaRange]:
    for element in _ELEMENT.findall(accept):
        media_range = _parse_range(element)
        if media_range is not None:
            yield media_range


def _parse_range(element: str) -> MediaRange | None:
    """Parse an element; None if it is malformed."""
    found = _TYPE.match(element)
    if found is None:
        return None
    weight, has_parameters, end = 1.0, False, found.end()
    while end < len(element):
        parameter = _PARAMETER.match(element, end)
        if parameter is None:
            return None
        end = parameter.end()
        name, value = parameter.groups()
        if name is None:
            continue
        if name.lower() != "q":
            has_parameters = True
        elif _WEIGHT.fullmatch(value):
            weight = float(value)
        else:
            return None
    return MediaRange(found[1].lower(), found[2].lower(), has_parameters, weight)
