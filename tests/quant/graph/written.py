"""Small models written in ONNX text, and ONNX Runtime as the judge of what a pass did to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import onnxruntime
from numpy.typing import NDArray
from onnx_ir.passes.common import RemoveUnusedNodesPass

from edgesdk_quant.graph import from_proto, to_bytes
from edgesdk_quant.graph.shapes import infer_shapes

Arrays = Mapping[str, NDArray[Any]]
RANDOM_SEED = 7


def model(text: str, opset: int = 21, /, **weights: Any) -> ir.Model:
    """Build `agraph (float[2,3] x) => (float[2,3] y) { y = Relu(x) }` with initializers."""
    proto = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}, "com.microsoft" : 1]> {text}'
    )
    used = {name for node in proto.graph.node for name in node.input}
    for name, array in weights.items():
        if name in used:
            proto.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), name))
    built = from_proto(proto)
    infer_shapes(built)
    return built


def random(*shape: int, seed: int = RANDOM_SEED) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def run(graph: ir.Model, feeds: Arrays | None = None) -> list[NDArray[Any]]:
    """Outputs in ONNX Runtime without its own rewrites; random inputs where none are given."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(to_bytes(graph), options)
    given = feeds or {i.name: _random_input(i) for i in session.get_inputs()}
    return list(session.run(None, dict(given)))


def _random_input(node: Any) -> NDArray[Any]:
    shape = [size if isinstance(size, int) else 2 for size in node.shape]
    if "int" in node.type:
        return np.ones(shape, node.type[7:-1])
    return random(*shape) * 2


def ops(graph: ir.Model) -> Counter[str]:
    return Counter(node.op_type for node in graph.graph.all_nodes())


def rewritten(
    before: ir.Model, rewrite: Callable[[ir.Model], None], tolerance: float = 1e-5
) -> Any:
    """Apply a pass to a copy, demand a valid model with the same results, and return it."""
    after = before.clone()
    rewrite(after)
    RemoveUnusedNodesPass()(after)
    onnx.checker.check_model(to_bytes(after), full_check=True)
    for expected, actual in zip(run(before), run(after), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
    assert [v.name for v in after.graph.outputs] == [v.name for v in before.graph.outputs]
    return after
