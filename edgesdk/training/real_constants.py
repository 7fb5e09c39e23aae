"""Real constants of a graph that learn as they are: weights that stayed float, biases, norms."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph import constant
from edgesdk_quant.operators import bias_place, input_at, is_float

# Operator -> inputs that hold what it has learnt.
LEARNT_INPUTS = {
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "Gemm": (1, 2),
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "MatMul": (1,),
    "PRelu": (1,),
}


def real_constants(graph: ir.Graph) -> dict[str, NDArray[np.float32]]:
    """Name of the initializer -> float32, what it holds."""
    places = [(node, i) for node in graph for i in LEARNT_INPUTS.get(node.op_type, ())]
    sums = [bias_place(node) for node in graph if node.op_type == "MatMul"]
    found = {}
    for node, index in (*places, *(place for place in sums if place is not None)):
        value = input_at(node, index)
        array = constant(value)
        if value is not None and array is not None and is_float(value):
            found[str(value.name)] = np.array(array, np.float32)
    return found
