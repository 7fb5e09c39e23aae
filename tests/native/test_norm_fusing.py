"""LayerNorm becomes one node with the bits of the nine operators it is written with."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.native.model_builder import GraphBuilder, ModelBuilder, pack
from tests.native.running import litert, opened

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
NORM = "MEAN+SQUARED_DIFFERENCE+MEAN+ADD+RSQRT+SUB+MUL+MUL+ADD"


class _Norm:
    """The operators of a LayerNorm over the last of `shape`."""

    def __init__(self, graph: GraphBuilder, shape: list[int], seed: int) -> None:
        self.graph, self.shape, self.rows = graph, shape, [*shape[:-1], 1]
        self.rng = np.random.default_rng(seed)
        self.x = graph.tensor("x", shape)

    def constant(self, *shape: int) -> int:
        return self.graph.tensor("c", shape, data=self.rng.normal(size=shape))

    def join(self, op: str, a: int, b: int, shape: list[int]) -> int:
        y = self.graph.tensor(op, shape)
        if self.rng.integers(2) and op != "SUB":
            a, b = b, a
        options = {"ADD": schema.AddOptionsT, "MUL": schema.MulOptionsT, "SUB": schema.SubOptionsT}
        make = options.get(op, schema.SquaredDifferenceOptionsT)
        self.graph.operator(getattr(OP, op), [a, b], [y], make())
        return y

    def mean(self, x: int) -> int:
        axis = self.graph.tensor("axis", [1], np.int32, data=[len(self.shape) - 1])
        y = self.graph.tensor("mean", self.rows)
        options = schema.ReducerOptionsT()
        options.keepDims = True
        self.graph.operator(OP.MEAN, [x, axis], [y], options)
        return y

    def build(self) -> tuple[int, int]:
        """Add all nine; @return the mean and the result."""
        mean = self.mean(self.x)
        squares = self.join("SQUARED_DIFFERENCE", self.x, mean, self.shape)
        epsilon = self.graph.tensor("epsilon", [1], data=[1e-5])
        variance = self.join("ADD", self.mean(squares), epsilon, self.rows)
        root = self.graph.tensor("root", self.rows)
        self.graph.operator(OP.RSQRT, [variance], [root])
        centred = self.join("SUB", self.x, mean, self.shape)
        normal = self.join("MUL", centred, root, self.shape)
        depth = self.shape[-1]
        scaled = self.join("MUL", normal, self.constant(depth), self.shape)
        return mean, self.join("ADD", scaled, self.constant(depth), self.shape)


def _model(shape: list[int], seed: int, shows_mean: bool = False) -> bytes:
    builder = ModelBuilder()
    norm = _Norm(builder.graph("main"), shape, seed)
    mean, result = norm.build()
    norm.graph.ends([norm.x], [result, mean] if shows_mean else [result])
    return pack(builder.model)


@given(
    outer=st.lists(st.integers(1, 20), max_size=3),
    depth=st.integers(2, 150),
    seed=st.integers(0, 2**32 - 1),
)
def test_one_pass_has_the_bits_of_nine_operators(outer: list[int], depth: int, seed: int) -> None:
    shape = [*outer, depth]
    model = _model(shape, seed)
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4) + rng.normal()).astype(np.float32)
    expected = opened(model, unfused=True).run([x])[0]
    for threads in (1, 3):
        session = opened(model, threads=threads)
        assert [node.op for node in session.nodes()] == [NORM]
        assert session.run([x])[0].tobytes() == expected.tobytes()


def test_it_is_litert_s_to_rounding() -> None:
    model = _model([2, 7, 96], 5)
    x = np.random.default_rng(5).normal(size=(2, 7, 96)).astype(np.float32)
    np.testing.assert_allclose(opened(model).run([x])[0], litert(model, [x])[0], atol=1e-5)


def test_a_mean_that_the_caller_reads_too_is_left() -> None:
    ops = [node.op for node in opened(_model([3, 8], 0, shows_mean=True)).nodes()]
    assert NORM not in ops
    assert ops[0] == "MEAN"
