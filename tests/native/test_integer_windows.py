"""Pools, reductions, resizing and rows of integers have the bits of their rule and of LiteRT."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from tests.native import integer_rules as rules
from tests.native.integer_rules import Stored, f32
from tests.native.quantized import stored, tensor
from tests.native.running import litert, native, random_array
from tests.native.single_op import constant, single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["int8", "uint8"])
sizes = st.tuples(st.integers(1, 5), st.integers(1, 5))


def pool_options(geometry: rules.Geometry) -> schema.Pool2DOptionsT:
    options = schema.Pool2DOptionsT()
    options.padding = 0 if geometry.same else 1
    options.filterHeight, options.filterWidth = geometry.filter
    options.strideH, options.strideW = geometry.stride
    return options


@given(
    seed=seeds,
    kind=st.sampled_from(["int8", "uint8", "int16"]),
    code=st.sampled_from([OP.AVERAGE_POOL_2D, OP.MAX_POOL_2D]),
    filter_size=sizes,
    stride=sizes,
    same=st.booleans(),
)
def test_a_pool_looks_at_the_pixels_inside_and_has_the_bits_of_litert(
    seed: int,
    kind: str,
    code: int,
    filter_size: tuple[int, int],
    stride: tuple[int, int],
    same: bool,
) -> None:
    rng = np.random.default_rng(seed)
    geometry = rules.Geometry(filter_size, stride, (1, 1), same)
    how = stored(kind, 0.05, rng)
    height, width = (size + int(rng.integers(0, 6)) for size in filter_size)
    image = random_array((2, height, width, int(rng.integers(1, 20))), kind, rng)
    inside, _ = geometry.taps(np.ones_like(image, np.int64))
    values, _ = geometry.taps(image.astype(np.int64))
    if code == OP.MAX_POOL_2D:
        expected = np.where(inside, values, -(2**20)).max((0, 1))
    else:
        sums, count = values.sum((0, 1)), inside.sum((0, 1))
        expected = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
    model = single_op_model(
        code,
        pool_options(geometry),
        [tensor(image.shape, how)],
        [tensor(expected.shape, how)],
        version=3 if kind == "int16" else 2,
    )
    assert np.array_equal(native(model, [image], threads=2)[0], expected)
    assert np.array_equal(litert(model, [image])[0], expected)


@given(
    seed=seeds,
    kind=kinds,
    code=st.sampled_from([OP.MEAN, OP.SUM]),
    axes=st.sampled_from([(1, 2), (1,), (2,), (3,), (-1, 0), (0, 1, 2, 3)]),
    keep=st.booleans(),
)
def test_a_quantized_reduction_follows_its_rule_and_has_the_bits_of_litert(
    seed: int, kind: str, code: int, axes: tuple[int, ...], keep: bool
) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(int(rng.integers(1, 8)) for _ in range(4))
    x = stored(kind, 0.02, rng)
    out = stored(kind, 0.02 * rng.uniform(0.5, 1.5), rng)
    values = random_array(shape, kind, rng)
    count = int(np.prod([shape[axis] for axis in axes]))
    ratio = f32(x.scale) / f32(out.scale)
    scale = ratio * (f32(1) / f32(count)) if code == OP.MEAN else ratio
    offset = f32(out.zero) - f32(count * x.zero) * scale
    sums = values.astype(np.int64).sum(axes, keepdims=keep)
    expected = out.clamp(np.rint(sums.astype(np.float32) * scale + offset))
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    model = single_op_model(
        code,
        options,
        [tensor(shape, x), constant(axes, np.int32)],
        [tensor(expected.shape, out)],
        version=2,
    )
    assert np.array_equal(native(model, [values])[0], expected)
    assert np.array_equal(litert(model, [values])[0], expected)


@pytest.mark.parametrize("code", [OP.RESIZE_BILINEAR, OP.RESIZE_NEAREST_NEIGHBOR])
@given(
    seed=seeds,
    kind=st.sampled_from(["int8", "uint8", "int16"]),
    mode=st.sampled_from([(False, False), (True, False), (False, True)]),
)
def test_a_resize_has_the_bits_of_litert(
    code: int, seed: int, kind: str, mode: tuple[bool, bool]
) -> None:
    rng = np.random.default_rng(seed)
    how = stored(kind, 0.05, rng)
    image = random_array((2, *(int(n) for n in rng.integers(2, 12, 2)), 3), kind, rng)
    size = tuple(int(n) for n in rng.integers(2, 24, 2))
    bilinear = code == OP.RESIZE_BILINEAR
    options = (
        schema.ResizeBilinearOptionsT() if bilinear else schema.ResizeNearestNeighborOptionsT()
    )
    options.alignCorners, options.halfPixelCenters = mode
    model = single_op_model(
        code,
        options,
        [tensor(image.shape, how), constant(size, np.int32)],
        [tensor((2, *size, 3), how)],
        version=3,
    )
    assert np.array_equal(native(model, [image], threads=3)[0], litert(model, [image])[0])


@given(seed=seeds, kind=kinds, depth=st.sampled_from([2, 3, 10, 100, 1001]))
def test_softmax_has_the_bits_of_litert(seed: int, kind: str, depth: int) -> None:
    rng = np.random.default_rng(seed)
    x = stored(kind, rng.uniform(0.002, 0.3), rng)
    out = Stored(kind, 1 / 256, rules.of(kind)[0])
    values = random_array((30, depth), kind, rng) // int(rng.integers(1, 10))
    options = schema.SoftmaxOptionsT()
    options.beta = float(f32(rng.uniform(0.5, 2)))
    model = single_op_model(
        OP.SOFTMAX, options, [tensor(values.shape, x)], [tensor(values.shape, out)], version=2
    )
    values = values.astype(kind)
    assert np.array_equal(native(model, [values])[0], litert(model, [values])[0])


@given(seed=seeds, kind=kinds)
def test_log_softmax_has_the_bits_of_litert(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    x, out = stored(kind, rng.uniform(0.01, 0.3), rng), Stored(kind, 1 / 16, rules.of(kind)[1])
    values = random_array((50, 11), kind, rng)
    model = single_op_model(
        OP.LOG_SOFTMAX, None, [tensor(values.shape, x)], [tensor(values.shape, out)], version=2
    )
    assert np.array_equal(native(model, [values])[0], litert(model, [values])[0])


@given(seed=seeds)
def test_l2_normalization_has_the_bits_of_litert(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, out = stored("int8", 0.05, rng), Stored("int8", 1 / 128, 0)
    values = random_array((50, 11), "int8", rng)
    model = single_op_model(
        OP.L2_NORMALIZATION,
        schema.L2NormOptionsT(),
        [tensor(values.shape, x)],
        [tensor(values.shape, out)],
        version=2,
    )
    assert np.array_equal(native(model, [values])[0], litert(model, [values])[0])


def test_l2_normalization_of_a_row_of_zeros_is_zero() -> None:
    how, out = Stored("int8", 0.05, 5), Stored("int8", 1 / 128, 0)
    model = single_op_model(
        OP.L2_NORMALIZATION, schema.L2NormOptionsT(), [tensor((1, 3), how)], [tensor((1, 3), out)]
    )
    assert native(model, [np.full((1, 3), 5, np.int8)])[0].tolist() == [[0, 0, 0]]


@given(seed=seeds, kind=kinds)
def test_pad_fills_with_real_zero(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    how = stored(kind, 0.05, rng)
    image = random_array((2, 3, 4, 2), kind, rng)
    pads = rng.integers(0, 3, (4, 2))
    expected = np.pad(image, pads, constant_values=how.zero)
    model = single_op_model(
        OP.PAD,
        None,
        [tensor(image.shape, how), constant(pads, np.int32)],
        [tensor(expected.shape, how)],
        version=2,
    )
    assert np.array_equal(native(model, [image])[0], expected)


def rescaled(values: Array, how: Stored, out: Stored) -> Array:
    """As CONCATENATION rescales: in float32, ties away from zero."""
    scale = f32(how.scale) * (f32(1) / f32(out.scale))
    real = values.astype(np.float32) * scale + f32(-how.zero) * scale
    return out.clamp(np.sign(real) * np.floor(np.abs(real) + 0.5) + out.zero)


@given(seed=seeds, axis=st.sampled_from([0, 1, -1]))
def test_concatenation_brings_every_input_to_the_scale_of_the_output(seed: int, axis: int) -> None:
    rng = np.random.default_rng(seed)
    hows = [stored("uint8", rng.uniform(0.01, 0.05), rng) for _ in range(3)]
    out = hows[0]
    arrays = [random_array((4, 5, 6), "uint8", rng) for _ in hows]
    parts = [rescaled(a, how, out) for how, a in zip(hows, arrays, strict=True)]
    expected = np.concatenate(parts, axis)
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    model = single_op_model(
        OP.CONCATENATION,
        options,
        [tensor((4, 5, 6), how) for how in hows],
        [tensor(expected.shape, out)],
    )
    assert np.array_equal(native(model, arrays)[0], expected)
    assert np.array_equal(litert(model, arrays)[0], expected)
