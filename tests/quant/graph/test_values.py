"""Questions about a value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesdk_quant.graph import (
    constant,
    consumers,
    new_initializer,
    scalar,
    static_shape,
    unique_name,
    value_shape,
)
from tests.quant.graph.written import model, random

TEXT = """agraph (float[N,3] x) => (float[N,4] y) {
    c = Constant <value = float[1] {2.0}> () m = MatMul(x, w) a = Mul(m, c) y = Add(a, a)
}"""
WEIGHT = random(3, 4)


def test_initializers_and_constant_nodes_hold_arrays_and_nothing_else_does() -> None:
    graph = model(TEXT, w=WEIGHT).graph
    made, product, scaled, total = graph
    np.testing.assert_array_equal(np.asarray(constant(product.inputs[1])), WEIGHT)
    assert scalar(made.outputs[0]) == 2.0
    assert scalar(product.inputs[1]) is None
    assert constant(graph.inputs[0]) is constant(scaled.inputs[0]) is constant(None) is None
    assert total.inputs[0] is total.inputs[1]


def test_an_initializer_that_a_user_may_override_is_no_constant() -> None:
    graph = model("agraph (float[2] x, float[2] w) => (float[2] y) { y = Add(x, w) }", w=random(2))
    assert constant(next(iter(graph.graph)).inputs[1]) is None


def test_a_node_that_reads_a_value_twice_is_one_consumer() -> None:
    nodes = list(model(TEXT, w=WEIGHT).graph)
    assert consumers(nodes[2].outputs[0]) == [nodes[3]]
    assert consumers(nodes[3].outputs[0]) == []


def test_symbolic_sizes_are_none() -> None:
    graph = model(TEXT, w=WEIGHT).graph
    assert value_shape(graph.inputs[0]) == (None, 3)
    assert static_shape(graph.inputs[0]) is None
    assert static_shape(graph.initializers["w"]) == (3, 4)
    assert value_shape(None) is None


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint8, np.int32, np.int64, np.bool_])
def test_a_new_initializer_holds_its_array_under_a_free_name(dtype: type) -> None:
    graph = model(TEXT, w=WEIGHT).graph
    array: NDArray[Any] = np.array([[1, 0], [0, 1]]).T.astype(dtype)
    value = new_initializer(graph, "w", array)
    assert value.name == "w_1"
    assert graph.initializers["w_1"] is value
    held = constant(value)
    assert held is not None
    assert held.dtype == dtype
    np.testing.assert_array_equal(held, array)
    assert value_shape(value) == (2, 2)


def test_unique_name_avoids_inputs_and_results_too() -> None:
    graph = model(TEXT, w=WEIGHT).graph
    assert [unique_name(graph, name) for name in ("x", "m", "free")] == ["x_1", "m_1", "free"]
