"""The words of each enum of the contract by number, and the other way round."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

from google.protobuf.descriptor import EnumDescriptor

from housing_price_orchestrator.interface.grpc.contract.house_proto import WORDS_TYPES
from housing_price_orchestrator.interface.grpc.contract.names import member_name, value_name
from housing_price_orchestrator.interface.grpc.contract.proto_file import MEMBER_ENUMS
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.shared.view.fields import house_fields


def _enum(name: str) -> EnumDescriptor:
    return price_pb2.DESCRIPTOR.enum_types_by_name[name]


def _numbers(enum: EnumDescriptor, names: Iterable[str]) -> list[int]:
    return [enum.values_by_name[name].number for name in names]


def _words_of(key: str, words: tuple[str | int, ...]) -> Mapping[int, str | int]:
    enum = _enum(WORDS_TYPES[key])
    return dict(zip(_numbers(enum, (value_name(enum.name, word) for word in words)), words, strict=True))


WORDS_OF_KEY: Final = {field.key: _words_of(field.key, field.words) for field in house_fields() if field.words}
"""For each field of a house with words: the word of each number of its enum. 0 has no word."""

NUMBERS_OF_KEY: Final = {key: {word: number for number, word in words.items()} for key, words in WORDS_OF_KEY.items()}
"""For each field of a house with words: the number of each word."""


def _member_numbers(name: str, kind: Any) -> Mapping[str, int]:
    members = get_args(kind.__value__)
    enum = _enum(name)
    return dict(zip(members, _numbers(enum, (member_name(name, member) for member in members)), strict=True))


_MEMBERS: Final = {name: _member_numbers(name, kind) for name, kind in MEMBER_ENUMS.items()}

CONFIDENCES: Final = _MEMBERS["Confidence"]
GROUPS: Final = _MEMBERS["FeatureGroup"]
METHODS: Final = _MEMBERS["ValueMethod"]
PARTS: Final = _MEMBERS["ValuationPart"]
"""The number of each member of a view, for the enums of answers."""


def names_of_values(key: str) -> list[str]:
    """Return the names of the values that a field of a house accepts."""
    enum = _enum(WORDS_TYPES[key])
    return [enum.values_by_number[number].name for number in WORDS_OF_KEY[key]]


def name_of_number(key: str, number: int) -> str:
    """Return the name of a value of a field's enum, or its number if the enum has no such value."""
    value = _enum(WORDS_TYPES[key]).values_by_number.get(number)
    return str(number) if value is None else value.name
