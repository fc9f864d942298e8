"""Generates the whole contract, `housing/price/v1/price.proto`."""

from collections.abc import Sequence
from importlib import resources
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from housing_price_orchestrator.interface.grpc.contract.house_proto import enum, house_message, word_enums
from housing_price_orchestrator.interface.grpc.contract.names import member_name
from housing_price_orchestrator.interface.grpc.contract.numbering import recorded
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.interface.openapi.answer_labels import LABELS_OF_ANSWERS
from housing_price_orchestrator.shared.view.fields import HouseField, house_fields
from housing_price_orchestrator.shared.view.valuation import Confidence, ValuationPart, ValueMethod
from housing_price_survey.columns import FeatureGroup

MEMBER_ENUMS: Final = {
    "Confidence": Confidence,
    "FeatureGroup": FeatureGroup,
    "ValuationPart": ValuationPart,
    "ValueMethod": ValueMethod,
}
"""The enums of answers, made from the types of the views."""


def committed_proto_file() -> str:
    """Generate the text of the contract with the numbers of the installed one."""
    file = FileDescriptorProto()
    price_pb2.DESCRIPTOR.CopyToProto(file)
    return proto_file(file)


def proto_file(committed: FileDescriptorProto | None, fields: Sequence[HouseField] | None = None) -> str:
    """Generate the text of the contract.

    Args:
        committed: The committed contract, whose numbers are kept; None numbers everything anew.
        fields: The fields of a house; those of `House` by default.
    """
    fields = house_fields() if fields is None else fields
    known = recorded(committed)
    members = [
        enum(name, {member_name(name, member): f"{member}: {label}" for member, label in labels.items()}, known)
        for name, labels in ((name, LABELS_OF_ANSWERS[kind]) for name, kind in MEMBER_ENUMS.items())
    ]
    service = resources.files(__package__).joinpath("service.proto.txt").read_text(encoding="utf-8")
    return "\n\n".join([service.strip(), house_message(fields, known), *members, *word_enums(fields, known)]) + "\n"
