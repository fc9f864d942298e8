"""Strategies: any valid house, made from what the view itself declares."""

from typing import Any

from hypothesis import strategies as st

from factories import alias_of
from housing_price_orchestrator.shared.view.house import House

_SCHEMA = House.model_json_schema()


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return _resolved(_SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    return schema


def _values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    schema = _resolved(schema)
    if "anyOf" in schema:
        return st.one_of([_values(option) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "null":
        return st.none()
    low, high = schema["minimum"], schema["maximum"]
    whole = st.integers(low, high)
    return whole if schema["type"] == "integer" else whole | st.floats(low, high)


_REQUIRED = {alias_of(name) for name, field in House.model_fields.items() if field.is_required()}
_FIELDS = {key: _values(schema) for key, schema in _SCHEMA["properties"].items()}

house_documents: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {key: values for key, values in _FIELDS.items() if key in _REQUIRED},
    optional={key: values for key, values in _FIELDS.items() if key not in _REQUIRED},
)
"""Any house that the contract allows, as JSON."""
