"""The fields of `House` as plain data: from its JSON schema, which no other module reads, and from the survey."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, cast

from housing_price_orchestrator.shared.view.house import House
from housing_price_survey.columns import SURVEY_COLUMNS, FeatureGroup, Unit
from housing_price_survey.labels import LABELS, Labels
from housing_price_survey.titles import GROUP_TITLES

type FieldKind = Literal["integer", "number", "text"]

_COLUMN_OF_KEY: Final = {column.key: column for column in SURVEY_COLUMNS}


@dataclass(frozen=True, slots=True)
class HouseField:
    """One field of `House`: the id, or one of the 79 features."""

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
    title: str
    """A short title for people."""
    description: str
    """The description in the API's document."""
    group: FeatureGroup | None
    """The group of features; None for the id."""
    unit: Unit | None
    """The unit of a number; None for a field with `words` and for the id."""
    labels: Labels
    """A label for people for each value, in the order in which they are shown; empty for a number of a large range."""
    blank: str | None
    """The label of null; None if the field is not nullable, or if null only means that the value is unknown."""


@cache
def house_fields() -> tuple[HouseField, ...]:
    """Return the fields of `House` in its order: the id, then the features."""
    schema = House.model_json_schema(mode="validation")
    return tuple(
        _field(name, str(field.alias), schema["properties"][field.alias], schema["$defs"])
        for name, field in House.model_fields.items()
    )


def _field(name: str, key: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> HouseField:
    options = [_resolved(option, definitions) for option in _options_of(schema)]
    (value,) = (option for option in options if option["type"] != "null")
    column = _COLUMN_OF_KEY.get(key)
    return HouseField(
        name=name,
        key=key,
        kind="text" if value["type"] == "string" else cast("FieldKind", value["type"]),
        is_nullable=len(options) > 1,
        minimum=value.get("minimum"),
        maximum=value.get("maximum"),
        words=tuple(value["enum"] if "enum" in value else [value["const"]] if "const" in value else ()),
        title=column.title if column else schema["title"],
        description=schema["description"],
        group=column.group if column else None,
        unit=column.unit if column else None,
        labels=column.labels if column else {},
        blank=column.blank or None if column else None,
    )


def _options_of(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the alternatives of a property: its value, and null if it is nullable."""
    options: list[Mapping[str, Any]] = schema.get("anyOf", [schema])
    return options


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference to the definition of a named type."""
    if "$ref" in schema:
        return _resolved(definitions[_name_of(schema)], definitions)
    return schema


def _name_of(reference: Mapping[str, Any]) -> str:
    """Return the name of the definition to which a schema refers."""
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def label_schemas(schemas: Mapping[str, dict[str, Any]], views: Iterable[str]) -> None:
    """Add titles, groups, units and labels to the JSON schemas of an API document.

    They are added to complete schemas, because pydantic sorts the keys of those that it makes and the labels would lose
    their order.

    Args:
        schemas: the schemas by name; they are changed.
        views: the names of the views whose properties are fields of a house.
    """
    for view in views:
        schemas[view]["x-groups"] = dict(GROUP_TITLES)
        for field in house_fields()[1:]:
            _label_property(schemas[view]["properties"][field.key], field, schemas)
    for words, labels in LABELS.items():
        label_words(schemas[words.__name__], _with_text_keys(labels))


def label_words(schema: dict[str, Any], labels: Mapping[str, str]) -> None:
    """Add a label for each word to the schema of a list of words."""
    # ReDoc shows the second one as a table.
    schema |= {"x-enum-labels": dict(labels), "x-enumDescriptions": dict(labels)}


def _label_property(schema: dict[str, Any], field: HouseField, schemas: Mapping[str, dict[str, Any]]) -> None:
    schema |= {"title": field.title, "x-group": field.group}
    if field.blank is not None:
        schema["x-blank-label"] = field.blank
    if field.unit is not None:
        (kind,) = (schemas[_name_of(option)] for option in _options_of(schema) if "$ref" in option)
        schema["x-unit"] = kind["x-unit"] = field.unit
        if field.labels:
            kind["x-enum-labels"] = _with_text_keys(field.labels)


def _with_text_keys(labels: Labels) -> dict[str, str]:
    return {str(value): label for value, label in labels.items()}
