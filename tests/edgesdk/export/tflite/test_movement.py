"""Operators that move values keep them, whatever layout they come in."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgesdk
from edgesdk.export.tflite import lower
from edgesdk.layout import SourceLayoutSession, parse_layout
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.reference import ReferenceRuntime
from edgesdk_quant.tflite.writer import write_model
from tests.edgesdk.export.judged import codes, judge, run_on
from tests.quant.graph.written import model, random

IMAGE = "c = MaxPool <kernel_shape=[1,1]> (x)"  # its result is NHWC in the file


@settings(max_examples=30)
@given(data=st.data())
def test_slices(data: st.DataObject) -> None:
    rows = []
    for axis, size in enumerate((2, 5, 7)):
        step = data.draw(st.sampled_from([1, 2, -1, -2]))
        start, end = data.draw(
            st.tuples(st.integers(-size, size), st.integers(-size - 1, 2 * size))
        )
        if len(range(*slice(start, end, step).indices(size))):
            rows.append((axis, start, end, step))
    if not rows:
        return
    axes, starts, ends, steps = (np.array(column) for column in zip(*rows, strict=True))
    text = "(float[2,5,7] x) => (float[A,B,C] y) { y = Slice(x, s, e, a, t) }"
    judge(text, s=starts, e=ends, a=axes, t=steps)


@pytest.mark.parametrize("perm", list(permutations(range(4)))[::3])
def test_an_image_is_transposed(perm: tuple[int, ...]) -> None:
    text = f"""(float[2,3,4,5] x) => (float[A,B,C,D] y) {{
        {IMAGE} y = Transpose <perm={list(perm)}> (c)
    }}"""
    judge(text)


@pytest.mark.parametrize(
    "shape", [[2, 60], [6, 20], [2, 3, 20], [-1], [2, 3, 2, 2, 5], [2, 3, 20, 1]]
)
def test_an_image_is_reshaped_in_the_order_of_the_source(shape: list[int]) -> None:
    names = ",".join("ABCDE"[: len(shape)])
    text = f"(float[2,3,4,5] x) => (float[{names}] y) {{ {IMAGE} y = Reshape(c, s) }}"
    judge(text, s=np.array(shape))


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_a_channel_shuffle_is_one_transpose(groups: int) -> None:
    text = f"""(float[1,12,4,5] x) => (float[1,12,4,5] y) {{
        {IMAGE} g = Reshape(c, s) t = Transpose <perm=[0,2,1,3,4]> (g) j = Reshape(t, b)
        y = MaxPool <kernel_shape=[1,1]> (j)
    }}"""
    shape = np.array([1, groups, 12 // groups, 4, 5])
    lowered = judge(text, s=shape, b=np.array([1, 12, 4, 5]))
    moved = ["RESHAPE", "TRANSPOSE", "RESHAPE"]
    assert codes(lowered) == ["MAX_POOL_2D", *moved, "MAX_POOL_2D"]


@settings(max_examples=30, deadline=None)
@given(
    shape=st.permutations([1, 2, 3, 2, 5]),
    perm=st.permutations(range(5)),
    wanted=st.sampled_from([[2, 6, 5, 1], [6, 1, 2, 5], [1, 1, 12, 5], [4, 3, 5, 1], [2, 3, 2, 5]]),
)
def test_images_of_any_rank_are_reshaped_behind_any_transpose(
    shape: list[int], perm: list[int], wanted: list[int]
) -> None:
    text = f"""(float[2,6,1,5] x) => (float[A,B,C,D] y) {{
        {IMAGE} g = Reshape(c, s) t = Transpose <perm={list(perm)}> (g) y = Reshape(t, w)
    }}"""
    judge(text, s=np.array(shape), w=np.array(wanted))


def test_flattened_images_between_two_products_keep_their_order() -> None:
    text = """(float[1,2,3,4] x) => (float[3,2] y) {
        c = MaxPool <kernel_shape=[1,1]> (x) t = Transpose <perm=[2,1,3,0]> (c)
        r = Reshape(t, s) y = Gemm(r, w)
    }"""
    judge(text, s=np.array([3, 8]), w=random(8, 2))


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_images_are_joined_and_split(axis: int) -> None:
    text = f"""(float[2,4,6,8] x) => (float[A,B,C,D] y, float[E,F,G,H] z) {{
        {IMAGE} j = Concat <axis={axis}> (c, c) s, y = Split <axis={axis}> (j, n)
        z = Neg(s)
    }}"""
    size = 2 * (2, 4, 6, 8)[axis]
    judge(text, n=np.array([1, size - 1]))


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_pads(mode: str) -> None:
    text = f'(float[1,3,4,5] x) => (float[A,B,C,D] y) {{ {IMAGE} y = Pad <mode="{mode}"> (c, p) }}'
    judge(text, p=np.array([0, 0, 1, 2, 0, 1, 2, 0]))


def test_a_border_of_any_value() -> None:
    text = f"(float[1,3,4,5] x) => (float[A,B,C,D] y) {{ {IMAGE} y = Pad(c, p, v) }}"
    pads = np.array([0, 0, 1, 2, 0, 1, 2, 0])
    assert "PADV2" in codes(judge(text, p=pads, v=np.array(1.5, np.float32)))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gathers(axis: int) -> None:
    text = f"(float[3,4,5] x) => (float[A,B,C,D] y) {{ y = Gather <axis={axis}> (x, i) }}"
    judge(text, i=np.array([[0, -1], [2, 1]]))


def test_tiles_and_expansions() -> None:
    text = """(float[1,3,1] x) => (float[2,6,4] y) {
        e = Expand(x, s) y = Tile(e, n)
    }"""
    judge(text, s=np.array([2, 3, 4]), n=np.array([1, 2, 1]))


def test_a_scalar_stays_a_scalar() -> None:
    text = "(float[1,1] x) => (float y) { y = Squeeze(x) }"
    assert codes(judge(text)) == ["SQUEEZE"]


@pytest.mark.parametrize(
    ("op", "sizes", "code"),
    [("Expand", [1, 6, 4, 5], "BROADCAST_TO"), ("Tile", [1, 6, 1, 1], "TILE")],
)
def test_repeated_integers_have_the_same_bits_on_every_runtime(
    op: str, sizes: list[int], code: str
) -> None:
    x = random(4, 1, 4, 5)
    source = model(
        f"agraph (float[1,1,4,5] x) => (float[1,6,4,5] y) {{ r = {op}(x, s) y = Mul(r, w) }}",
        s=np.array(sizes),
        w=random(1, 6, 1, 1, seed=1),
    )
    graph = edgesdk.quantize(to_bytes(source), x).model
    lowered = lower(graph)
    assert codes(lowered) == ["QUANTIZE", code, "MUL", "DEQUANTIZE"]
    (expected,) = run_on("native", lowered, [x[:1]])
    assert len(np.unique(expected)) > 20
    (simulated,) = SourceLayoutSession(
        ReferenceRuntime().open(write_model(lowered)), parse_layout(lowered.metadata)
    ).run([x[:1]])
    np.testing.assert_array_equal(simulated, expected)
    (litert,) = run_on("litert", lowered, [x[:1]])
    np.testing.assert_array_equal(litert, expected)
