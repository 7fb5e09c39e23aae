"""16-bit floats become 32-bit ones, with the same numbers."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from onnx import helper

from edgesdk_quant.graph import from_proto, normalize
from tests.quant.graph.written import model, random, run


@pytest.mark.parametrize("kind", [np.float16, ml_dtypes.bfloat16])
def test_everything_is_float32(kind: type) -> None:
    code = int(ir.DataType.from_numpy(np.dtype(kind)))
    weight: NDArray[Any] = random(4, 3).astype(kind)
    tensors = [ir.to_proto(ir.tensor(weight, name="w"))]
    half = ir.to_proto(ir.tensor(np.array([0.5], kind)))
    nodes = [
        helper.make_node("Shape", ["x"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["z"], value=half),
        helper.make_node("Add", ["x", "z"], ["a"]),
        helper.make_node("MatMul", ["a", "w"], ["p"]),
        helper.make_node("Cast", ["p"], ["wide"], to=1),
        helper.make_node("Relu", ["wide"], ["r"]),
        helper.make_node("Cast", ["r"], ["y"], to=code),
    ]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, code, [2, n])] for name, n in (("x", 4), ("y", 3))
    )
    made = helper.make_graph(nodes, "halves", inputs, outputs, tensors)
    graph = normalize(
        from_proto(helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)]))
    )
    x = random(2, 4, seed=1)
    (y,) = run(graph, {"x": x})
    assert y.dtype == np.float32
    wanted = np.maximum((x + 0.5) @ weight.astype(np.float32), 0)
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)


def test_nested_graphs_too() -> None:
    source = model(
        """agraph (float16[1,3] x, bool c) => (float16[1,3] y) {
            v = Mul(x, w) y = If (c) <
                then_branch = a () => (float16[1,3] t) { t = Abs(v) },
                else_branch = b () => (float16[1,3] e) { e = Neg(v) }
            >
        }""",
        w=np.array([[1, 2, 3]], np.float16),
    )
    x = random(1, 3)
    (y,) = run(normalize(source), {"x": x, "c": np.array(False)})
    np.testing.assert_allclose(y, -x * [[1, 2, 3]], rtol=1e-6)
