"""The committed contract and its modules are generated from `House`; numbers never change."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from factories import REPOSITORY
from housing_price_orchestrator.interface.grpc.contract.names import unspecified, upper_snake
from housing_price_orchestrator.interface.grpc.contract.numbering import Numbering, recorded
from housing_price_orchestrator.interface.grpc.contract.proto_file import committed_proto_file, proto_file
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.shared.view.fields import HouseField, house_fields

PROTO = REPOSITORY / "housing-price-orchestrator" / "proto"
FILE = "housing/price/v1/price.proto"
FIRST_NUMBERS: Mapping[str, Mapping[str, int]] = json.loads(Path(__file__).with_name("first_numbers.json").read_bytes())
"""The numbers of the first release."""

HOUSE = price_pb2.DESCRIPTOR.message_types_by_name["House"]


def compiled(text: str, folder: Path) -> FileDescriptorProto:
    """Compile a contract as protoc reads it."""
    folder.mkdir(exist_ok=True)
    (folder / "changed.proto").write_text(text)
    assert protoc.main(["protoc", f"-I{folder}", f"--descriptor_set_out={folder / 'set'}", "changed.proto"]) == 0
    (file,) = FileDescriptorSet.FromString((folder / "set").read_bytes()).file
    return file


def committed() -> FileDescriptorProto:
    file = FileDescriptorProto()
    price_pb2.DESCRIPTOR.CopyToProto(file)
    return file


def changed_fields(key: str, *words: str) -> list[HouseField]:
    """The fields of a house, of which one has other words."""
    return [dataclasses.replace(field, words=words) if field.key == key else field for field in house_fields()]


def test_the_committed_contract_is_the_generated_one() -> None:
    assert (PROTO / FILE).read_text() == committed_proto_file(), "run `make proto`"


def test_the_committed_modules_are_those_of_the_contract(tmp_path: Path) -> None:
    assert protoc.main(["protoc", f"-I{PROTO}", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", FILE]) == 0
    generated = Path(price_pb2.__file__)
    for name in ("price_pb2.py", "price_pb2.pyi"):
        made = (tmp_path / "housing" / "price" / "v1" / name).read_text()
        assert generated.with_name(name).read_text() == made, "run `make proto`"


@pytest.mark.parametrize("name", FIRST_NUMBERS)
def test_numbers_of_the_first_release_never_change(name: str) -> None:
    numbers = recorded(committed())[name].numbers
    assert {key: numbers.get(key) for key in FIRST_NUMBERS[name]} == FIRST_NUMBERS[name]


def test_every_message_and_enum_has_recorded_numbers() -> None:
    assert set(FIRST_NUMBERS) == set(recorded(committed()))


def test_a_new_word_gets_a_new_number_and_changes_no_other(tmp_path: Path) -> None:
    # In alphabetical order, the new word comes first.
    file = compiled(proto_file(committed(), changed_fields("street", "Dirt", "Grvl", "Pave")), tmp_path)
    before, after = recorded(committed()), recorded(file)
    assert after["Street"].numbers == {**before["Street"].numbers, "STREET_DIRT": 3}
    assert {name: after[name] for name in after if name != "Street"} == {
        name: before[name] for name in before if name != "Street"
    }


def test_a_removed_word_stays_reserved_and_its_number_is_not_used_again(tmp_path: Path) -> None:
    without = compiled(proto_file(committed(), changed_fields("lotShape", "IR1", "IR2", "IR3")), tmp_path)
    assert recorded(without)["LotShape"].retired_numbers == (4,)
    assert recorded(without)["LotShape"].retired_names == ("LOT_SHAPE_REG",)
    later = compiled(proto_file(without, changed_fields("lotShape", "IR1", "IR2", "IR3", "IR4")), tmp_path)
    assert recorded(later)["LotShape"].numbers["LOT_SHAPE_IR4"] == 5
    assert recorded(later)["LotShape"].retired_numbers == (4,)


def test_a_removed_field_stays_reserved_and_a_new_one_gets_a_new_number(tmp_path: Path) -> None:
    first, second, *others = house_fields()
    house = recorded(compiled(proto_file(committed(), [first, *others]), tmp_path))["House"]
    assert (house.retired_names, house.retired_numbers) == ((second.name,), (2,))
    later = house.renewed([*house.numbers, "pool_depth"], first=1)
    assert later.numbers == {**house.numbers, "pool_depth": len(house_fields()) + 1}


def test_numbers_that_protobuf_keeps_for_itself_are_skipped() -> None:
    assert Numbering({"a": 18_999}).renewed(["a", "b"], first=1).numbers["b"] == 20_000


def test_every_field_of_a_house_is_in_the_contract_by_its_key_in_json() -> None:
    keys = {field.json_name: field.name for field in HOUSE.fields}
    assert keys == {field.key: field.name for field in house_fields()}


@pytest.mark.parametrize("field", list(HOUSE.fields), ids=lambda field: str(field.name))
def test_every_field_of_a_house_tells_absence_from_zero(field: FieldDescriptor) -> None:
    assert field.has_presence


@pytest.mark.parametrize("name", list(price_pb2.DESCRIPTOR.enum_types_by_name))
def test_every_enum_has_a_prefix_and_an_unspecified_zero(name: str) -> None:
    enum = price_pb2.DESCRIPTOR.enum_types_by_name[name]
    assert enum.values_by_number[0].name == unspecified(name)
    assert all(value.startswith(f"{upper_snake(name)}_") for value in enum.values_by_name)


def test_a_code_of_the_survey_is_its_own_number() -> None:
    enum = price_pb2.DESCRIPTOR.enum_types_by_name["MsSubClass"]
    assert {value.name: value.number for value in enum.values if value.number} == {
        f"MS_SUB_CLASS_{value.number}": value.number for value in enum.values if value.number
    }
