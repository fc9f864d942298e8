"""`HouseRecord`: a `House` that is parsed from JSON five times as fast.

`House` is the contract: it defines what is valid and describes each error. `HouseRecord` is generated from the fields
of `House`, with the same keys, words and bounds. It only accepts or rejects, and needs all keys to be present. Rejected
documents are parsed again as a `House`. A property test checks that `House` accepts everything that the record accepts,
with the same values.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, Protocol, cast

import msgspec
from msgspec.structs import replace

from housing_price_orchestrator.shared.view.fields import HouseField, house_fields
from housing_price_orchestrator.shared.view.house import House


class AnyHouse(Protocol):
    """A validated house: a `House`, a `HouseRecord` of the same fields, or an `EncodedHouse`."""

    @property
    def id(self) -> int:
        """The caller's own number for the house."""
        ...


def value_type_of(field: HouseField) -> Any:
    """Return the type of the valid values of a field, for msgspec."""
    value: Any
    if field.words:
        value = Literal[field.words]
    else:
        number = {"integer": int, "number": float}[field.kind]
        value = Annotated[number, msgspec.Meta(ge=field.minimum, le=field.maximum)]
    return value | None if field.is_nullable else value


HouseRecord: type[msgspec.Struct] = msgspec.defstruct(
    "HouseRecord",
    [(field.name, value_type_of(field), msgspec.field(name=field.key)) for field in house_fields()],
    module=__name__,
    forbid_unknown_fields=True,
    frozen=True,
    kw_only=True,
    gc=False,
)
"""A house whose keys are all present; its attributes are those of `House`."""


class EncodedHouse(msgspec.Struct, frozen=True, gc=False):
    """A house of a file, as the row that is sent to the model server. Only file jobs use it."""

    id: int
    """The caller's own number for the house."""
    row: bytes
    """The JSON list of the valid values of its features, in the order of the survey's columns."""


KEY_COUNT: Final = len(house_fields())
"""Number of keys of a house: also the number of colons in its JSON."""


_FEATURES: Final = tuple(field.name for field in house_fields() if field.name != "id")


def house_with_gaps(house_id: int, features: Mapping[str, str | int | float | None]) -> AnyHouse:
    """Make a house of which only some features are known; the others are None. The values are not checked.

    Args:
        house_id: the caller's own number for the house.
        features: values by the name of the field of `House`; every key is a feature.
    """
    unknown = features.keys() - set(_FEATURES)
    if unknown:
        raise ValueError(f"not a feature: {', '.join(sorted(unknown))}")
    make = cast("Callable[..., AnyHouse]", HouseRecord)
    return make(id=house_id, **{name: features.get(name) for name in _FEATURES})


def with_id(house: AnyHouse, house_id: int) -> AnyHouse:
    """Return the same house with another id."""
    if isinstance(house, HouseRecord):
        return replace(house, id=house_id)
    return cast("House", house).model_copy(update={"id": house_id})
