"""The quantized Graph, as docs/ARCHITECTURE.md describes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from edgesdk_quant.data import open_data
from edgesdk_quant.graph import constant, to_bytes
from edgesdk_quant.pipeline import quantize
from edgesdk_quant.recipe import Recipe
from edgesdk_targets import load as load_target
from tests.quant.graph.written import model, ops, random, run

IMAGE = "float[N,4,8,8]"
X = random(8, 4, 8, 8, seed=5)
CONV = "Conv<pads=[1,1,1,1]>"


def quantized(body: str, recipe: str = "w8a8", **weights: Any) -> tuple[ir.Model, ir.Model]:
    """A graph on images before and after."""
    given = {"w": random(4, 4, 3, 3), "b": random(4)} | weights
    before = model(f"agraph ({IMAGE} x) => ({IMAGE} y) {{ {body} }}", **given)
    for node in before.graph:
        node.name = node.outputs[0].name
    target = load_target("generic")
    return before, quantize(before, open_data(X), Recipe.load(recipe), target).model


def source(node: ir.Node, index: int) -> ir.Node:
    """The DequantizeLinear that feeds an input."""
    value = node.inputs[index]
    producer = None if value is None else value.producer()
    assert producer is not None
    assert producer.op_type == "DequantizeLinear"
    return producer


def the(graph: ir.Model, op: str) -> ir.Node:
    (node,) = (node for node in graph.graph if node.op_type == op)
    return node


def test_it_is_a_valid_model_with_float_border_and_nearly_the_same_result() -> None:
    before, after = quantized(f"c = {CONV}(x, w, b) y = Relu(c)")
    onnx.checker.check_model(to_bytes(after), full_check=True)
    assert [v.dtype for v in (*after.graph.inputs, *after.graph.outputs)] == [ir.DataType.FLOAT] * 2
    exact, found = run(before, {"x": X})[0], run(after, {"x": X})[0]
    assert np.square(found - exact).mean() < 1e-3 * np.square(exact).mean()


def test_a_bias_has_the_scale_of_the_products() -> None:
    _, after = quantized(f"y = {CONV}(x, w, b)")
    x, w, b = (source(the(after, "Conv"), i) for i in range(3))
    scales = [np.asarray(constant(dq.inputs[1]), np.float32) for dq in (x, w, b)]
    assert constant(b.inputs[0]).dtype == np.int32  # type: ignore[union-attr]
    np.testing.assert_array_equal(scales[2], scales[0] * scales[1])


def test_weights_are_symmetric_int8_by_output_channel() -> None:
    _, after = quantized(f"y = {CONV}(x, w, b)")
    dequantizer = source(the(after, "Conv"), 1)
    stored, zero = constant(dequantizer.inputs[0]), constant(dequantizer.inputs[2])
    assert stored is not None
    assert zero is not None
    assert stored.dtype == zero.dtype == np.int8
    assert int(np.abs(stored.astype(np.int32)).max(axis=(1, 2, 3)).min()) == 127
    assert zero.tolist() == [0] * 4
    assert dequantizer.attributes.get_int("axis", -1) == 0


def test_an_activation_stands_between_operator_and_quantizer() -> None:
    _, after = quantized(f"c = {CONV}(x, w, b) y = Relu(c)")
    (relu,) = the(after, "Conv").outputs[0].consumers()
    assert relu.op_type == "Relu"
    assert [node.op_type for node in relu.outputs[0].consumers()] == ["QuantizeLinear"]


def test_moved_values_keep_scale_and_zero_point() -> None:
    _, after = quantized(f"c = {CONV}(x, w) m = MaxPool<kernel_shape=[1,1]>(c) y = {CONV}(m, w)")
    pool = the(after, "MaxPool")
    (quantizer,) = pool.outputs[0].consumers()
    before = source(pool, 0)
    assert [before.inputs[i] for i in (1, 2)] == [quantizer.inputs[i] for i in (1, 2)]


@pytest.mark.parametrize(("recipe", "kind"), [("w8a8", np.uint8), ("w8a16", np.int16)])
def test_activations_are_as_wide_as_the_recipe_says(recipe: str, kind: type[Any]) -> None:
    _, after = quantized(f"y = {CONV}(x, w, b)", recipe)
    zero = constant(source(the(after, "Conv"), 0).inputs[2])
    assert zero is not None
    assert zero.dtype == kind


def test_weights_alone_leave_no_quantizer() -> None:
    _, after = quantized(f"c = {CONV}(x, w, b) y = Relu(c)", "w8")
    assert ops(after)["QuantizeLinear"] == 0
    assert ops(after)["DequantizeLinear"] == 1


def test_a_tiny_channel_with_a_large_bias_stays_within_int32() -> None:
    """Its scale is widened: the bias would not fit int32 otherwise."""
    weights = random(4, 4, 3, 3)
    weights[0] *= 1e-9
    _, after = quantized(f"y = {CONV}(x, w, b)", w=weights, b=np.full(4, 50, np.float32))
    stored = constant(source(the(after, "Conv"), 2).inputs[0])
    assert stored is not None
    assert np.abs(stored.astype(np.int64)).max() <= 2**30
    scale = constant(source(the(after, "Conv"), 2).inputs[1])
    real = np.asarray(stored, np.float64) * np.asarray(scale, np.float64)
    np.testing.assert_allclose(real, 50, rtol=0.05)


def test_a_constant_that_two_operators_read_is_stored_once() -> None:
    _, after = quantized("a = Add(x, k) y = Mul(a, k)", k=random(1, 4, 8, 8))
    onnx.checker.check_model(to_bytes(after), full_check=True)
    assert source(the(after, "Add"), 1) is source(the(after, "Mul"), 1)
    assert len({node.name for node in after.graph}) == len(list(after.graph))
