"""The typical house of the survey, with which other houses are compared."""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Final

import orjson

TYPICAL_HOUSE: Final[Mapping[str, str | int | None]] = MappingProxyType(
    orjson.loads(resources.files("housing_price_survey").joinpath("typical_house.json").read_bytes())
)
"""The value of each column, by its key in the API, over the 2,930 sales that De Cock published.

A number is the median, the lower of two in the middle; blanks do not count. A word is the most frequent one, and None
if most houses have none. Each column stands for itself, so no real house has all these values.
"""
