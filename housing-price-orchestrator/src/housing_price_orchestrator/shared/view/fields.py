"""The fields of `House` as plain data, read once from its JSON schema; no other module reads that schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from housing_price_orchestrator.shared.view.house import House

type FieldKind = Literal["integer", "number", "text"]


@dataclass(frozen=True, slots=True)
class HouseField:
    """One field of `House`: the id, or one of the 79 features."""

    # Add further facts about a field here, such as its label for people or its group of features.

    name: str
    """The name of the attribute in Python."""
    key: str
    """The key in JSON."""
    kind: FieldKind
    is_nullable: bool
    """Whether the value may be null. Nullable fields may also be left out; all others are required."""
    minimum: float | None
    """The lowest value; None for a field with `words`."""
    maximum: float | None
    """The highest value; None for a field with `words`."""
    words: tuple[str | int, ...]
    """The accepted values, in the order of the vocabulary; empty for a field with bounds."""


@cache
def house_fields() -> tuple[HouseField, ...]:
    """Return the fields of `House` in its order: the id, then the features."""
    schema = House.model_json_schema(mode="validation")
    return tuple(
        _field(name, str(field.alias), schema["properties"][field.alias], schema["$defs"])
        for name, field in House.model_fields.items()
    )


def _field(name: str, key: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> HouseField:
    options = [_resolved(option, definitions) for option in schema.get("anyOf", [schema])]
    (value,) = (option for option in options if option["type"] != "null")
    return HouseField(
        name=name,
        key=key,
        kind="text" if value["type"] == "string" else cast("FieldKind", value["type"]),
        is_nullable=len(options) > 1,
        minimum=value.get("minimum"),
        maximum=value.get("maximum"),
        words=tuple(value["enum"] if "enum" in value else [value["const"]] if "const" in value else ()),
    )


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference to the definition of a named type."""
    if "$ref" in schema:
        return _resolved(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return schema
