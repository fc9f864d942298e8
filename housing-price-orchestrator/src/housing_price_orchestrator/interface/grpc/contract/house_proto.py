"""Generates the message `House` and its enums from the fields of a house."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from housing_price_orchestrator.interface.grpc.contract.names import unspecified, value_name
from housing_price_orchestrator.interface.grpc.contract.numbering import Numbering
from housing_price_orchestrator.shared.view.fields import HouseField
from housing_price_survey.columns import SURVEY_COLUMNS

HOUSE: Final = "House"

WORDS_TYPES: Final = {column.key: column.words.__name__ for column in SURVEY_COLUMNS if column.words is not None}
"""The name of the type of the words of each feature with words, which is the name of its enum."""

_MAX_INT32: Final = 2**31 - 1
_HUMP: Final = re.compile(r"_(.)")


def house_message(fields: Sequence[HouseField], known: Mapping[str, Numbering]) -> str:
    """Generate the message.

    All fields are `optional`, also those that are required: without it, protobuf cannot tell a number that was left out
    from 0.
    """
    numbering = known.get(HOUSE, Numbering({})).renewed([field.name for field in fields], first=1)
    lines = [
        "// A house to price. The comment of each field says whether it is required.",
        "//",
        "// Every field is `optional`, so that a field that was left out differs from 0. Leave out features that a",
        "// house does not have. Unknown fields, unknown values and values UNSPECIFIED are refused.",
        f"message {HOUSE} {{",
        *_reserved(numbering),
    ]
    for field in fields:
        lines += [f"  // {line}" for line in _comment(field)]
        json_name = "" if _json_name(field.name) == field.key else f' [json_name = "{field.key}"]'
        lines.append(f"  optional {_type_of(field)} {field.name} = {numbering.numbers[field.name]}{json_name};")
    return "\n".join([*lines, "}"])


def word_enums(fields: Iterable[HouseField], known: Mapping[str, Numbering]) -> list[str]:
    """Generate one enum for each named type of words. An integer word has itself as its number."""
    by_type = {WORDS_TYPES[field.key]: field for field in fields if field.words}
    return [
        enum(
            name,
            {value_name(name, word): _label(word, field.labels) for word in field.words},
            known,
            wanted={value_name(name, word): word for word in field.words if isinstance(word, int) and word > 0},
        )
        for name, field in sorted(by_type.items())
    ]


def enum(
    name: str, values: Mapping[str, str], known: Mapping[str, Numbering], *, wanted: Mapping[str, int] | None = None
) -> str:
    """Generate an enum.

    Args:
        name: The name of the enum.
        values: The comment of each value, by the value's name.
        known: The recorded numberings.
        wanted: Numbers for new values.
    """
    zero = unspecified(name)
    numbering = known.get(name, Numbering({zero: 0})).renewed([zero, *values], first=0, wanted=wanted)
    lines = [f"enum {name} {{", *_reserved(numbering), f"  {zero} = {numbering.numbers[zero]};"]
    lines += [f"  {value} = {numbering.numbers[value]};  // {comment}" for value, comment in values.items()]
    return "\n".join([*lines, "}"])


def _reserved(numbering: Numbering) -> list[str]:
    lines = []
    if numbering.retired_numbers:
        lines.append(f"  reserved {', '.join(map(str, numbering.retired_numbers))};")
    if numbering.retired_names:
        names = ", ".join(f'"{name}"' for name in numbering.retired_names)
        lines.append(f"  reserved {names};")
    return lines


def _type_of(field: HouseField) -> str:
    if field.words:
        return WORDS_TYPES[field.key]
    if field.kind == "number":
        return "double"
    return "int32" if field.maximum is not None and field.maximum <= _MAX_INT32 else "int64"


def _comment(field: HouseField) -> list[str]:
    lines = field.description.splitlines()
    need = "Optional" if field.is_nullable else "Required"
    limits = "" if field.words else f", from {field.minimum:,} to {field.maximum:,}"
    return [*lines, f"{need}{limits}."]


def _label(word: str | int, labels: Mapping[Any, str]) -> str:
    """Return the word as JSON has it, with its label for people."""
    return f"{word}: {labels[word]}" if word in labels else str(word)


def _json_name(name: str) -> str:
    return _HUMP.sub(lambda match: match[1].upper(), name)
