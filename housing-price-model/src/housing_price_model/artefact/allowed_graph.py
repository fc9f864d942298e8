"""Check of the ONNX graph of a price model: only known operators, all tensors inside the file, no nested graph."""

from pathlib import Path
from typing import Final

import onnx
from google.protobuf.message import DecodeError

from housing_price_model.artefact.kinds import GRAPH
from housing_price_model.errors import ArtefactError

OPERATORS: Final = frozenset(
    {("", "Add"), ("", "Cast"), ("", "Max"), ("", "Mul"), ("", "ReduceSum"), ("ai.onnx.ml", "TreeEnsembleRegressor")}
)
"""Domain and type of each operator that `fitting/onnx_graph.py` writes."""


def check_graph(model: Path) -> None:
    """Check the graph of a model folder.

    Raises:
        ArtefactError: The file is not an ONNX graph, or contains something that is not allowed.
    """
    path = model / GRAPH
    graph = onnx.ModelProto()
    try:
        graph.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ArtefactError(f"{path}: rejected: not an ONNX graph ({error})") from error
    if not graph.graph.node:
        raise ArtefactError(f"{path}: rejected: not an ONNX graph (it has no nodes)")
    if graph.functions or graph.training_info:
        raise ArtefactError(f"{path}: rejected: it defines functions of its own")
    tensors = [*graph.graph.initializer]
    for node in graph.graph.node:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if (domain, node.op_type) not in OPERATORS:
            raise ArtefactError(f"{path}: rejected: operator {node.op_type} of {domain or 'ai.onnx'} is not allowed")
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                raise ArtefactError(f"{path}: rejected: operator {node.op_type} contains a nested graph")
            tensors += [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
    if graph.graph.sparse_initializer:
        raise ArtefactError(f"{path}: rejected: it has sparse tensors")
    for tensor in tensors:
        if tensor.external_data or tensor.data_location != onnx.TensorProto.DEFAULT:
            raise ArtefactError(f"{path}: rejected: the data of tensor {tensor.name} is in another file")
