"""If and Loop whose course is known at run time only."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk.capture import capture
from edgesdk.export.tflite import lower
from edgesdk_runtimes.errors import UnsupportedError
from tests.edgesdk.export.judged import codes, judge
from tests.quant.graph.written import model, random

BRANCH = """(float[1,2,4,4] x) => (float[1,2,4,4] y) {
    c = MaxPool <kernel_shape=[1,1]> (x) m = ReduceSum <keepdims=0> (x) g = Greater(m, zero)
    f = Identity(factor)
    y = If (g) <
        then_branch = yes () => (float[1,2,4,4] a) { p = Mul(c, f) a = Relu(p) },
        else_branch = no () => (float[1,2,4,4] b) { b = Add(c, x) }
    >
}"""


@pytest.mark.parametrize("sign", [-1, 1])
def test_one_branch_is_taken(sign: int) -> None:
    feeds = {"x": sign * np.abs(random(1, 2, 4, 4))}
    factor = np.array([2, 3], np.float32).reshape(2, 1, 1)
    lowered = judge(BRANCH, feeds, zero=np.array(0, np.float32), factor=factor)
    assert codes(lowered)[-1] == "IF"
    assert len(lowered.subgraphs) == 3


def test_branches_that_only_choose() -> None:
    text = """(bool[1] c, float[2] a, float[2] b) => (float[2] y) {
        y = If (c) <then_branch = t () => (float[2] p) { p = Identity(a) },
                    else_branch = e () => (float[2] q) { q = Identity(b) }>
    }"""
    for choice in (True, False):
        judge(text, {"c": np.array([choice]), "a": random(2), "b": random(2, seed=1)})


def test_branches_may_be_constant() -> None:
    text = """(bool[1] c) => (float y) {
        y = If (c) <then_branch = t () => (float p) { p = Constant <value_float=1.5> () },
                    else_branch = e () => (float q) { q = Constant <value_float=-2.0> () }>
    }"""
    for choice in (True, False):
        judge(text, {"c": np.array([choice])})


@pytest.mark.parametrize("turns", [0, 1, 4])
def test_a_loop_with_a_limit_that_comes_from_outside(turns: int) -> None:
    text = """(float[2,3] x, int64 n) => (float[2,3] y) {
        f = Identity(factor)
        y = Loop (n, go, x) <body = turn (int64 i, bool c, float[A,B] s)
            => (bool c2, float[A,B] s2) { c2 = Identity(c) p = Mul(s, f) s2 = Add(p, x) }>
    }"""
    feeds = {"x": random(2, 3), "n": np.array(turns)}
    lowered = judge(text, feeds, go=np.array(True), factor=np.array([0.5], np.float32))
    assert codes(lowered) == ["WHILE"]


def test_a_loop_that_runs_while_a_condition_holds() -> None:
    text = """(float[2,3] x) => (float[2,3] y) {
        y = Loop (, go, x) <body = turn (int64 i, bool c, float[A,B] s)
            => (bool c2, float[A,B] s2) {
                s2 = Add(s, s) m = ReduceMax <keepdims=0> (s2)
                h = Constant <value_float=50.0> () c2 = Less(m, h)
            }>
    }"""
    judge(text, {"x": np.abs(random(2, 3))}, go=np.array(True))


def test_a_state_that_grows_is_refused() -> None:
    text = """agraph (float[2] x, int64 n) => (float[K] y) {
        y = Loop (n, go, x) <body = turn (int64 i, bool c, float[A] s)
            => (bool c2, float[B] s2) { c2 = Identity(c) s2 = Concat <axis=0> (s, s) }>
    }"""
    graph = capture(model(text, go=np.array(True)))
    with pytest.raises(UnsupportedError, match=r"Loop .*changes from turn to turn"):
        lower(graph)


def test_what_stands_in_the_way_inside_of_a_branch_is_named() -> None:
    text = """agraph (bool[1] c, float[2] x) => (float[2] y) {
        y = If (c) <then_branch = t () => (float[2] p) { p = RandomNormalLike(x) },
                    else_branch = e () => (float[2] q) { q = Identity(x) }>
    }"""
    with pytest.raises(UnsupportedError, match=r"If .*RandomNormalLike"):
        lower(capture(model(text)))
