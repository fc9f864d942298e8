"""Numbers of fields and enum values, which never change: clients compiled with an earlier contract rely on them.

The committed contract is the record. Names that it has keep their numbers, new names get the next free ones, and the
numbers of names that were removed stay reserved.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto

RESERVED_BY_PROTOBUF: Final = range(19_000, 20_000)


@dataclass(frozen=True, slots=True)
class Numbering:
    """The numbers of one message or enum."""

    numbers: Mapping[str, int]
    """The number of each name."""
    retired_numbers: tuple[int, ...] = ()
    """Numbers of names that were removed."""
    retired_names: tuple[str, ...] = ()
    """Names that were removed."""

    def renewed(self, names: Iterable[str], *, first: int, wanted: Mapping[str, int] | None = None) -> "Numbering":
        """Return the numbering of `names`: known names keep their numbers, others get the next free ones from `first`.

        Args:
            names: All names, in the order of the contract.
            first: The lowest number.
            wanted: Numbers that new names get if these are free.
        """
        kept = {name: self.numbers[name] for name in names if name in self.numbers}
        lost = {name: number for name, number in self.numbers.items() if name not in kept}
        retired = {*self.retired_numbers, *lost.values()}
        numbers = dict(kept)
        for name in names:
            if name in numbers:
                continue
            taken = {*numbers.values(), *retired}
            number = (wanted or {}).get(name)
            numbers[name] = _next_free(taken, first) if number is None or number in taken else number
        return Numbering(
            {name: numbers[name] for name in names},
            tuple(sorted(retired)),
            tuple(sorted({*self.retired_names, *lost} - set(numbers))),
        )


def _next_free(taken: set[int], first: int) -> int:
    number = max(taken, default=first - 1) + 1
    return RESERVED_BY_PROTOBUF.stop if number in RESERVED_BY_PROTOBUF else max(number, first)


def recorded(file: FileDescriptorProto | None) -> Mapping[str, Numbering]:
    """Return the numbering of each message and enum of a contract, by name; empty without one."""
    if file is None:
        return {}
    return {message.name: _of_message(message) for message in file.message_type} | {
        enum.name: _of_enum(enum) for enum in file.enum_type
    }


def _of_message(message: DescriptorProto) -> Numbering:
    return Numbering(
        {field.name: field.number for field in message.field},
        # The end of a reserved range of a message is exclusive, that of an enum is inclusive.
        tuple(number for span in message.reserved_range for number in range(span.start, span.end)),
        tuple(message.reserved_name),
    )


def _of_enum(enum: EnumDescriptorProto) -> Numbering:
    return Numbering(
        {value.name: value.number for value in enum.value},
        tuple(number for span in enum.reserved_range for number in range(span.start, span.end + 1)),
        tuple(enum.reserved_name),
    )
