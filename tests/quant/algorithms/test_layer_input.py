"""Layers as matrix products."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from edgesdk_quant.algorithms.layer_input import (
    MOST_ROWS,
    Seen,
    input_rows,
    moments,
    rows_of,
    weight_of,
)
from edgesdk_runtimes import runtime_named

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("groups", [1, 3])
def test_rows_times_weights_are_the_convolution(groups: int) -> None:
    from onnx import TensorProto, helper, numpy_helper

    x = RNG.normal(size=(2, 6, 9, 8)).astype(np.float32)
    weight = RNG.normal(size=(9, 6 // groups, 3, 2)).astype(np.float32)
    attributes: dict[str, Any] = {
        "group": groups,
        "strides": [2, 1],
        "pads": [1, 0, 1, 2],
        "dilations": [1, 2],
    }
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], **attributes)],
        "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    expected = runtime_named("onnxruntime").open(model.SerializeToString()).run([x])[0]
    node = next(iter(ir.from_proto(model).graph))
    rows, kernels = input_rows(node, weight.shape, x), rows_of(node, weight, 0)
    product = np.einsum("grk,gok->rgo", rows.astype(np.float64), kernels).reshape(-1, 9)
    assert np.allclose(product, np.moveaxis(expected, 1, -1).reshape(-1, 9), atol=1e-4)
    assert np.array_equal(weight_of(kernels, weight.shape, 0), weight)


def row_pairs(*counts: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Inputs [1, n, 4] of a MatMul in the float model, and with noise."""
    exact = [RNG.normal(size=(1, n, 4)).astype(np.float32) for n in counts]
    return [(x, (x + 0.1 * RNG.normal(size=x.shape)).astype(np.float32)) for x in exact]


def test_moments_are_means_over_all_rows() -> None:
    pairs = row_pairs(3, 5)
    found = moments(ir.node("MatMul", [None, None]), (4, 7), pairs)
    x, ours = (np.concatenate([p[i].reshape(-1, 4) for p in pairs]).astype(float) for i in (0, 1))
    assert found.rows == 8
    assert np.allclose(found.second[0], ours.T @ ours / 8)
    assert np.allclose(found.mean[0], ours.mean(axis=0))
    assert np.allclose(found.cross[0], x.T @ ours / 8)
    assert np.allclose(found.exact_mean[0], x.mean(axis=0))


def test_beside_a_bias_moments_are_those_of_what_varies() -> None:
    pairs = row_pairs(40)
    found = moments(ir.node("Gemm", [None, None]), (4, 7), pairs)
    x, ours = (pairs[0][i].reshape(-1, 4).astype(float) for i in (0, 1))
    both = np.cov(x.T, ours.T, bias=True)
    beside = replace(found, biased=True)
    assert np.allclose(beside.harm[0], both[4:, 4:])
    assert np.allclose(beside.shared[0], both[:4, 4:])


def test_known_and_held_out_samples_together_are_all() -> None:
    pairs, node = row_pairs(3, 5, 2), ir.node("MatMul", [None, None])
    known, held_out = moments(node, (4, 7), pairs[:2]), moments(node, (4, 7), pairs[2:])
    together, whole = Seen(known, held_out).whole, moments(node, (4, 7), pairs)
    assert together.rows == whole.rows == 10
    for name in ("second", "mean", "cross", "exact_mean"):
        assert np.allclose(getattr(together, name), getattr(whole, name))
    assert Seen(known).whole is known


def test_of_a_large_map_an_even_part_of_the_rows_is_taken() -> None:
    x = RNG.normal(size=(1, 3 * MOST_ROWS, 4)).astype(np.float32)
    found = moments(ir.node("MatMul", [None, None]), (4, 7), [(x, x)])
    part = x[0, ::3].astype(float)
    assert found.rows == MOST_ROWS
    assert np.allclose(found.second[0], part.T @ part / MOST_ROWS)
