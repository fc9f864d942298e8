"""Converts the fitted estimators to one ONNX graph.

Input: `x` (n, features). Outputs: `center` and `spread` (n, 1), the log price and its typical error.

The linear part uses 64-bit floats. The trees compare in 32 bits, as in scikit-learn.
"""

from typing import Any, Final

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingRegressor

from housing_price_model.fitting.pipeline import PriceFit, SpreadFit

_OPSETS: Final = {"": 18, "ai.onnx.ml": 3}
_IR_VERSION: Final = 10  # matches opsets 18 to 21; older runtimes reject newer versions


def build_graph(price: PriceFit, spread: SpreadFit) -> bytes:
    """Build and serialize the graph; equal estimators give equal bytes."""
    # The correction of the log price and the share of each part are multiplied into the constants.
    slope, pivot = price.stretch.slope, price.stretch.pivot
    weights = slope * price.linear_share * price.linear.coefficients
    intercept = slope * (price.linear_share * price.linear.intercept - pivot) + pivot
    width = len(weights)
    constants = {
        "weights": weights[np.newaxis, :],
        "intercept": np.array([intercept]),
        "trees_share": np.array([slope * (1 - price.linear_share)]),
        "floor": np.array([spread.floor]),
        "features": np.array([1]),
    }
    nodes = [
        helper.make_node("Cast", ["x"], ["x32"], to=TensorProto.FLOAT),
        _trees(price.trees, width, "price_trees32"),
        helper.make_node("Cast", ["price_trees32"], ["price_trees"], to=TensorProto.DOUBLE),
        # A sum per row instead of a matrix product: its summation order does not depend on the number of rows.
        helper.make_node("Mul", ["x", "weights"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "features"], ["sum"], keepdims=1),
        helper.make_node("Add", ["sum", "intercept"], ["linear"]),
        helper.make_node("Mul", ["price_trees", "trees_share"], ["trees"]),
        helper.make_node("Add", ["linear", "trees"], ["center"]),
        _trees(spread.trees, width, "spread_trees32"),
        helper.make_node("Cast", ["spread_trees32"], ["spread_trees"], to=TensorProto.DOUBLE),
        helper.make_node("Max", ["spread_trees", "floor"], ["root"]),
        helper.make_node("Mul", ["root", "root"], ["spread"]),
    ]
    graph = helper.make_graph(
        nodes,
        "house prices",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, width])],
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 1]) for name in ("center", "spread")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    model: ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _trees(trees: GradientBoostingRegressor, width: int, output: str) -> NodeProto:
    """Convert an ensemble to its single ONNX node."""
    converted: Any = to_onnx(trees, initial_types=[("x32", FloatTensorType([None, width]))], target_opset=_OPSETS)
    node: NodeProto
    (node,) = converted.graph.node
    node.output[:] = [output]
    node.name = output
    return node
