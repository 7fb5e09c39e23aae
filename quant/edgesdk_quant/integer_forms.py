"""Forms that integer kernels compute, for operators that float models write otherwise.

The float result stays the same but for the last bit. Weight-only recipes leave the graph alone.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph import constant, consumers, new_initializer, unique_name, value_shape
from edgesdk_quant.operators import is_float

BIAS_RANKS = (3, 4)
MINUS = np.array(-1, np.float32)  # -x -> x * -1, as rotary embeddings ask for


def write_integer_forms(model: ir.Model) -> None:
    """Bring a float graph in normal form to forms with integer kernels, in place."""
    for node in list(model.graph):
        if node.op_type == "Add":
            _join_bias(model.graph, node)
        elif node.op_type == "Div":
            _multiply_instead(model.graph, node)
        elif node.op_type == "Neg" and is_float(node.outputs[0]):
            _put(node, "Mul", [node.inputs[0], new_initializer(model.graph, "minus_one", MINUS)])


def _multiply_instead(graph: ir.Graph, node: ir.Node) -> None:
    """A / constant -> A * (1 / constant): there are integer products, no integer quotients."""
    divisor = constant(node.inputs[1])
    if divisor is None or divisor.dtype != np.float32 or not np.all(divisor):
        return
    with np.errstate(over="ignore"):
        factor = (1 / divisor.astype(np.float64)).astype(np.float32)
    if np.isfinite(factor).all():
        name = f"{node.inputs[1].name if node.inputs[1] else node.name}_reciprocal"
        _put(node, "Mul", [node.inputs[0], new_initializer(graph, name, factor)])


def _join_bias(graph: ir.Graph, add: ir.Node) -> None:
    """MatMul(x [..., K], W [K, M]) + b [M] -> Reshape, Gemm with an exact int32 bias, Reshape.

    The product alone would be rounded to 8 bits before the bias is added.
    """
    for product, bias in (add.inputs, add.inputs[::-1]):
        multiply = product.producer() if product is not None else None
        if multiply is None or bias is None or not _is_linear(multiply, add, bias):
            continue
        sizes = _open_once(value_shape(add.outputs[0]))
        if sizes is not None:
            _write_gemm(graph, multiply, bias, add, sizes)
            return


def _is_linear(multiply: ir.Node, add: ir.Node, bias: ir.Value) -> bool:
    if multiply.op_type != "MatMul" or consumers(multiply.outputs[0]) != [add]:
        return False
    weight, offset = constant(multiply.inputs[1]), constant(bias)
    if weight is None or offset is None or weight.ndim != 2 or weight.dtype != np.float32:
        return False
    deep = len(value_shape(multiply.inputs[0]) or ()) in BIAS_RANKS
    return deep and offset.shape == weight.shape[1:] and not multiply.outputs[0].is_graph_output()


def _open_once(shape: tuple[int | None, ...] | None) -> list[int] | None:
    """The target of a Reshape, -1 for an open size; None where several are open."""
    if shape is None or shape.count(None) > 1:
        return None
    return [-1 if size is None else size for size in shape]


def _write_gemm(
    graph: ir.Graph, multiply: ir.Node, bias: ir.Value, add: ir.Node, sizes: list[int]
) -> None:
    x, weight = multiply.inputs
    rows = None if -1 in sizes else math.prod(sizes[:-1])
    depth = np.asarray(constant(weight)).shape[0]
    flat = _reshaped(graph, x, [-1, depth], f"{multiply.name}_rows", (rows, depth), add)
    gemm = ir.node("Gemm", [flat, weight, bias], name=unique_name(graph, f"{multiply.name}_gemm"))
    _describe(gemm.outputs[0], unique_name(graph, f"{multiply.name}_biased"), (rows, sizes[-1]))
    graph.insert_before(add, gemm)
    _put(add, "Reshape", [gemm.outputs[0], _shape(graph, f"{add.name}_shape", sizes)])
    graph.remove(multiply, safe=True)
    gemm.name = multiply.name  # overrides of the recipe go by it


def _reshaped(
    graph: ir.Graph,
    value: ir.Value | None,
    target: list[int],
    name: str,
    shape: tuple[int | None, ...],
    before: ir.Node,
) -> ir.Value:
    node = ir.node("Reshape", [value, _shape(graph, f"{name}_shape", target)], name=name)
    _describe(node.outputs[0], unique_name(graph, name), shape)
    graph.insert_before(before, node)
    return node.outputs[0]


def _shape(graph: ir.Graph, name: str, sizes: list[int]) -> ir.Value:
    return new_initializer(graph, name, np.array(sizes, np.int64))


def _describe(value: ir.Value, name: str, shape: tuple[int | None, ...]) -> None:
    value.name = name
    value.type = ir.TensorType(ir.DataType.FLOAT)
    value.shape = ir.Shape(shape)


def _put(node: ir.Node, op_type: str, inputs: list[ir.Value | None]) -> None:
    """Another operator in place of a node, under its name and its output's."""
    old = node.outputs[0]
    new = ir.node(op_type, inputs, name=node.name)
    made = new.outputs[0]
    made.name, made.type, made.shape = old.name, old.type, old.shape
    graph = node.graph
    if not isinstance(graph, ir.Graph):
        raise TypeError(f"node {node.name!r} belongs to no graph")
    graph.insert_before(node, new)
    old.replace_all_uses_with(made, replace_graph_outputs=True)
    graph.remove(node, safe=True)
