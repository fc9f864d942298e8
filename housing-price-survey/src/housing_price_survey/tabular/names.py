"""Finds the columns of a house in a file, by the keys of the API or by the names of the survey."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from housing_price_survey import vocabulary
from housing_price_survey.columns import SURVEY_COLUMNS, TARGET
from housing_price_survey.tabular.errors import UnusableFile

ID_KEY: Final = "id"
PRICE_KEY: Final = "salePrice"
"""The key of the sale price, which only training reads."""

PID_KEY: Final = "pid"
"""The key of the parcel number, which only training reads."""

SURVEY_IDS: Final = ("Id", "Order", "PID")
"""The columns that number the houses in copies of the survey; the first of them in a file is the id.

With sale prices, `PID` is the parcel number instead.
"""

FEATURE_KEYS: Final = tuple(column.key for column in SURVEY_COLUMNS)
TEXT_KEYS: Final = frozenset(
    column.key for column in SURVEY_COLUMNS if column.words not in {None, vocabulary.MsSubClass}
)
"""The keys of the features that are words; all others are numbers."""
OPTIONAL_KEYS: Final = frozenset(column.key for column in SURVEY_COLUMNS if column.may_be_blank)

KEY_OF_SURVEY_NAME: Final[Mapping[str, str]] = {
    name: column.key for column in SURVEY_COLUMNS for name in (column.name, column.spaced_name)
}
NAME_OF_KEY: Final[Mapping[str, str]] = {column.key: column.name for column in SURVEY_COLUMNS} | {PRICE_KEY: TARGET}
"""The survey's name of each feature, and of the sale price."""

BLANKS: Final = frozenset(("", "NA"))
"""The cells that mean "absent" in files with the survey's names. `None` is a word of `MasVnrType`."""

SPACES: Final = " \t"
"""Trimmed from names and cells. Other white space is part of a cell."""

# The names that pandas, Dask and R give to a column of row numbers.
_ROW_NUMBERS: Final = re.compile(
    r"|Unnamed: \d+(\.\d+)?|index|level_\d+|__index_level_\d+__|__null_dask_index__|rownames|\.\.\.\d+"
)
_MAX_NAMES_SHOWN: Final = 10
_MAX_NAME_CHARACTERS: Final = 60
_SIMILARITY: Final = 0.6


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a file."""

    is_survey: bool
    """Whether the names are those of the survey, which also says what a blank cell is."""
    names: Mapping[str, str]
    """The name in the file of each key that the file has: features, and perhaps the id and the sale price."""
    unknown: tuple[str, ...]
    repeated: tuple[str, ...]

    def missing(self) -> list[str]:
        """Return the features without which no house can be priced, by their names in this kind of file."""
        required = [key for key in FEATURE_KEYS if key not in OPTIONAL_KEYS and key not in self.names]
        if self.is_survey:
            return sorted(NAME_OF_KEY[key] for key in required)
        return sorted([*required, *([] if ID_KEY in self.names else [ID_KEY])])

    def nulls(self) -> dict[str, object]:
        """Return null for each optional feature that is not in the file: complete documents are parsed faster."""
        return {key: None for key in FEATURE_KEYS if key in OPTIONAL_KEYS and key not in self.names}


def is_row_number(name: str) -> bool:
    """Return whether a program writes a column of this name to number the rows."""
    return _ROW_NUMBERS.fullmatch(name) is not None


def layout_of(names: Sequence[str], *, with_price: bool = False) -> Layout:
    """Find the columns of a house among the names of a file.

    Names that are not known, and names of the same column, are kept in the layout. Columns that only number the rows
    are ignored. The sale price and the parcel number are columns only `with_price`; without, the price is ignored in
    files with the survey's names.
    """
    names = [name.strip(SPACES) for name in names]
    is_survey = count_known(names, is_survey=True) > count_known(names, is_survey=False)
    known = _known(is_survey=is_survey, with_price=with_price)
    if is_survey:
        used_id = next((name for name in SURVEY_IDS if name in names), None)
        known = known | {name: ID_KEY if name == used_id else "" for name in SURVEY_IDS}
        known = known | ({"PID": PID_KEY} if with_price else {TARGET: ""})
    found: dict[str, str] = {}
    unknown, repeated = [], []
    for name in names:
        key = known.get(name)
        if key is None:
            if not is_row_number(name):
                unknown.append(name)
        elif key in found:
            repeated.append(name)
        elif key:
            found[key] = name
    return Layout(is_survey, found, tuple(unknown), tuple(repeated))


def _known(*, is_survey: bool, with_price: bool) -> dict[str, str]:
    known = dict(KEY_OF_SURVEY_NAME) if is_survey else {key: key for key in (ID_KEY, *FEATURE_KEYS)}
    return known | (dict.fromkeys((TARGET, PRICE_KEY), PRICE_KEY) if with_price else {})


def count_known(names: Sequence[str], *, is_survey: bool) -> int:
    """Count the names that are known as names of the survey, or as keys of the API."""
    known = {*KEY_OF_SURVEY_NAME, *SURVEY_IDS} if is_survey else {ID_KEY, *FEATURE_KEYS}
    return sum(name in known for name in names)


def check_layout(layout: Layout, subject: str) -> None:
    """Check that a file can be scored.

    Raises:
        UnusableFile: A name is unknown, repeated or missing; the message begins with `subject`.
    """
    for problem, affected in (
        ("Unknown", list(layout.unknown)),
        ("Repeated", sorted(set(layout.repeated))),
        ("Missing", layout.missing()),
    ):
        if affected:
            shown = ", ".join(repr(name[:_MAX_NAME_CHARACTERS]) for name in affected[:_MAX_NAMES_SHOWN])
            more = f" and {len(affected) - _MAX_NAMES_SHOWN} more" if len(affected) > _MAX_NAMES_SHOWN else ""
            closest = closest_name(affected[0], is_survey=layout.is_survey) if problem == "Unknown" else None
            hint = f" The closest known name of {affected[0]!r} is {closest!r}." if closest else ""
            must = "the names of the survey" if layout.is_survey else "the keys of a house"
            raise UnusableFile(f"{subject} must match {must}. {problem}: {shown}{more}.{hint}")


def closest_name(name: str, *, is_survey: bool) -> str | None:
    """Return the known name that is most similar to an unknown one; None if no name is similar."""
    plain = _plain(name[:_MAX_NAME_CHARACTERS])
    if plain == _plain(TARGET):
        # A known name, but not one that is expected here.
        return None
    if plain in _KEY_OF_PLAIN:
        key = _KEY_OF_PLAIN[plain]
        return NAME_OF_KEY.get(key, SURVEY_IDS[0]) if is_survey else key
    known = [*NAME_OF_KEY.values(), *SURVEY_IDS] if is_survey else [ID_KEY, *FEATURE_KEYS]
    by_plain = {_plain(one): one for one in known}
    close = difflib.get_close_matches(plain, by_plain, n=1, cutoff=_SIMILARITY)
    return by_plain[close[0]] if close else None


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


_KEY_OF_PLAIN: Final = {
    _plain(name): key
    for names in (dict(KEY_OF_SURVEY_NAME), {key: key for key in (*FEATURE_KEYS, ID_KEY)})
    for name, key in names.items()
}
