"""The linear operators on integers: the bits of exact int64 arithmetic and of LiteRT.

Shapes, zero points and scales are random.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from tests.native import integer_rules as rules
from tests.native.quantized import stored, tensor
from tests.native.running import litert, native, opened, random_array
from tests.native.single_op import TensorDef, constant, single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
BOUNDS = {0: (-math.inf, math.inf), 1: (0, math.inf), 2: (-1, 1), 3: (0, 6)}

seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["int8", "uint8"])
activations = st.sampled_from(list(BOUNDS))
geometries = st.builds(
    rules.Geometry,
    filter=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    same=st.booleans(),
)


def weights_of(
    shape: tuple[int, ...], channels: int, axis: int, dtype: str, rng: np.random.Generator
) -> tuple[Array, Array, TensorDef]:
    """Weights less their zero point, one scale a channel, and the tensor.

    uint8 weights have one scale and any zero point; int8 weights a scale a channel.
    """
    values = random_array(shape, dtype, rng)
    if dtype == "int8":
        values = np.maximum(values, -127)
        scale = rng.uniform(0.002, 0.02, channels).astype(np.float32)
        made = constant(values, dtype, scale=tuple(map(float, scale)), axis=axis)
        return values.astype(np.int64), scale, made
    zero = int(rng.integers(0, 256))
    made = constant(values, dtype, scale=(float(np.float32(0.01)),), zero_point=(zero,))
    return values.astype(np.int64) - zero, np.full(channels, 0.01, np.float32), made


def bias_of(values: Array, x: rules.Stored, weight_scale: Array) -> TensorDef:
    """The bias tensor; LiteRT's fast kernels want its scale written down."""
    scale = np.unique(weight_scale) if np.ptp(weight_scale) == 0 else weight_scale
    return constant(values, np.int32, scale=tuple(map(float, np.float32(x.scale) * scale)))


def window_options(options: object, geometry: rules.Geometry, activation: int) -> object:
    values = {
        "padding": 0 if geometry.same else 1,
        "strideH": geometry.stride[0],
        "strideW": geometry.stride[1],
        "dilationHFactor": geometry.dilation[0],
        "dilationWFactor": geometry.dilation[1],
        "fusedActivationFunction": activation,
    }
    for name, value in values.items():
        setattr(options, name, value)
    return options


def image_size(geometry: rules.Geometry, rng: np.random.Generator) -> list[int]:
    """At least as large as the window."""
    reach = [(f - 1) * d + 1 for f, d in zip(geometry.filter, geometry.dilation, strict=True)]
    return [size + int(rng.integers(0, 7)) for size in reach]


@given(seed=seeds, kind=kinds, activation=activations, geometry=geometries)
def test_conv_2d_is_exact_and_has_the_bits_of_litert(
    seed: int, kind: str, activation: int, geometry: rules.Geometry
) -> None:
    rng = np.random.default_rng(seed)
    groups, filter_c, units = (int(rng.integers(1, n)) for n in (3, 11, 9))
    size = image_size(geometry, rng)
    check_conv_2d(rng, kind, activation, geometry, size, groups, filter_c, units)


@given(
    seed=seeds,
    geometry=geometries,
    extra=st.integers(8, 40),
    channels=st.sampled_from([1, 3, 21, 32, 64]),
)
def test_conv_2d_of_wide_images_is_exact_and_has_the_bits_of_litert(
    seed: int, geometry: rules.Geometry, extra: int, channels: int
) -> None:
    rng = np.random.default_rng(seed)
    height, width = image_size(geometry, rng)
    check_conv_2d(
        rng, "int8", 0, geometry, [height, width + extra], 1, channels, int(rng.integers(1, 40))
    )


@given(
    seed=seeds,
    groups=st.sampled_from([2, 3, 8]),
    channels=st.sampled_from([1, 4, 8, 13, 16]),
    extra=st.integers(8, 40),
    geometry=geometries,
)
def test_grouped_conv_2d_of_wide_images_is_exact_and_has_the_bits_of_litert(
    seed: int, groups: int, channels: int, extra: int, geometry: rules.Geometry
) -> None:
    rng = np.random.default_rng(seed)
    height, width = image_size(geometry, rng)
    units = int(rng.integers(1, 18))
    check_conv_2d(rng, "int8", 0, geometry, [height, width + extra], groups, channels, units)


@given(
    seed=seeds,
    filters=st.tuples(st.integers(1, 9), st.integers(3, 9)),
    strides=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    same=st.booleans(),
    units=st.integers(1, 5),
    extra=st.sampled_from([0, 3, 5, 9, 16]),
)
def test_conv_2d_with_few_output_channels_is_exact_and_has_the_bits_of_litert(
    seed: int,
    filters: tuple[int, int],
    strides: tuple[int, int],
    same: bool,
    units: int,
    extra: int,
) -> None:
    rng = np.random.default_rng(seed)
    geometry = rules.Geometry(filters, strides, (1, 1), same)
    height, width = image_size(geometry, rng)
    channels = int(rng.integers(1, 40))
    check_conv_2d(rng, "int8", 0, geometry, [height, width + extra], 1, channels, units)


def check_conv_2d(
    rng: np.random.Generator,
    kind: str,
    activation: int,
    geometry: rules.Geometry,
    size: Sequence[int],
    groups: int,
    filter_c: int,
    units: int,
) -> None:
    """Random weights and a random image of `size` (height, width); `units` outputs a group."""
    x, out = stored(kind, 0.02, rng), stored(kind, rng.uniform(0.02, 0.2), rng)
    image = random_array((2, *size, groups * filter_c), kind, rng)
    shape = (groups * units, *geometry.filter, filter_c)
    weights, scale, weight_tensor = weights_of(shape, shape[0], 0, kind, rng)
    bias = rng.integers(-20000, 20000, shape[0])
    sums = rules.convolution(x.centred(image), weights, geometry) + bias
    expected = out.clamp(
        rules.requantize(sums, rules.scales(x.scale, scale, out.scale), out), *BOUNDS[activation]
    )
    model = single_op_model(
        OP.CONV_2D,
        window_options(schema.Conv2DOptionsT(), geometry, activation),
        [tensor(image.shape, x), weight_tensor, bias_of(bias, x, scale)],
        [tensor(expected.shape, out)],
        version=3,
    )
    assert np.array_equal(native(model, [image])[0], expected)
    assert np.array_equal(native(model, [image], kernels="generic", threads=2)[0], expected)
    assert np.array_equal(litert(model, [image])[0], expected)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the kernels are those of AVX2")
@given(seed=seeds, same=st.booleans(), threads=st.integers(1, 3))
def test_3x3_convolutions_by_minimal_filtering_are_exact(
    seed: int, same: bool, threads: int
) -> None:
    rng = np.random.default_rng(seed)
    geometry = rules.Geometry((3, 3), (1, 1), (1, 1), same)
    channels, units = int(rng.integers(8, 40)), int(rng.integers(1, 40))
    x, out = stored("int8", 0.02, rng), stored("int8", rng.uniform(0.1, 0.4), rng)
    image = random_array((2, *image_size(geometry, rng), channels), "int8", rng)
    weights, scale, weight_tensor = weights_of((units, 3, 3, channels), units, 0, "int8", rng)
    bias = rng.integers(-20000, 20000, units)
    sums = rules.convolution(x.centred(image), weights, geometry) + bias
    expected = out.clamp(
        rules.requantize(sums, rules.scales(x.scale, scale, out.scale), out), *BOUNDS[0]
    )
    model = single_op_model(
        OP.CONV_2D,
        window_options(schema.Conv2DOptionsT(), geometry, 0),
        [tensor(image.shape, x), weight_tensor, bias_of(bias, x, scale)],
        [tensor(expected.shape, out)],
        version=3,
    )
    session = opened(model, threads=threads, kernels="avx2")
    assert [node.kernel for node in session.nodes()] == ["winograd_s8_avx2"]
    assert np.array_equal(session.run([image])[0], expected)


@given(seed=seeds, kind=kinds, activation=activations, geometry=geometries)
def test_depthwise_conv_2d_is_exact_and_has_the_bits_of_litert(
    seed: int, kind: str, activation: int, geometry: rules.Geometry
) -> None:
    rng = np.random.default_rng(seed)
    channels = 1 if rng.integers(3) == 0 else int(rng.integers(2, 40))
    multiplier = int(rng.integers(1, 40 if channels == 1 else 4))
    height, width = image_size(geometry, rng)
    x, out = stored(kind, 0.02, rng), stored(kind, rng.uniform(0.02, 0.2), rng)
    image = random_array((2, height, width, channels), kind, rng)
    shape = (1, *geometry.filter, channels * multiplier)
    weights, scale, weight_tensor = weights_of(shape, shape[3], 3, kind, rng)
    bias = rng.integers(-20000, 20000, shape[3])
    sums = rules.depthwise(x.centred(image), weights[0], geometry) + bias
    expected = out.clamp(
        rules.requantize(sums, rules.scales(x.scale, scale, out.scale), out), *BOUNDS[activation]
    )
    options = window_options(schema.DepthwiseConv2DOptionsT(), geometry, activation)
    options.depthMultiplier = multiplier  # type: ignore[attr-defined]
    model = single_op_model(
        OP.DEPTHWISE_CONV_2D,
        options,
        [tensor(image.shape, x), weight_tensor, bias_of(bias, x, scale)],
        [tensor(expected.shape, out)],
        version=3,
    )
    assert np.array_equal(native(model, [image])[0], expected)
    assert np.array_equal(litert(model, [image])[0], expected)


@given(seed=seeds, kind=kinds, activation=activations, biased=st.booleans(), keep=st.booleans())
def test_fully_connected_is_exact_and_has_the_bits_of_litert(
    seed: int, kind: str, activation: int, biased: bool, keep: bool
) -> None:
    rng = np.random.default_rng(seed)
    rows, depth, units = (int(rng.integers(1, n)) for n in (7, 70, 40))
    x, out = stored(kind, 0.02, rng), stored(kind, rng.uniform(0.02, 0.2), rng)
    vectors = random_array((2, rows, depth), kind, rng)
    weights, scale, weight_tensor = weights_of((units, depth), units, 0, kind, rng)
    bias = rng.integers(-20000, 20000, units) if biased else np.zeros(units, np.int64)
    sums = x.centred(vectors) @ weights.T + bias
    expected = out.clamp(
        rules.requantize(sums, rules.scales(x.scale, scale, out.scale), out), *BOUNDS[activation]
    )
    expected = expected if keep else expected.reshape(2 * rows, units)
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = activation
    options.keepNumDims = keep
    model = single_op_model(
        OP.FULLY_CONNECTED,
        options,
        [tensor(vectors.shape, x), weight_tensor, bias_of(bias, x, scale) if biased else None],
        [tensor(expected.shape, out)],
        version=5,
    )
    assert np.array_equal(native(model, [vectors], threads=2)[0], expected)
    assert np.array_equal(litert(model, [vectors])[0], expected)


@given(seed=seeds, same=st.booleans())
def test_transpose_conv_has_the_bits_of_litert(seed: int, same: bool) -> None:
    rng = np.random.default_rng(seed)
    filter_h, filter_w = (int(rng.integers(1, 6)) for _ in range(2))
    stride_h, stride_w = (int(rng.integers(1, 4)) for _ in range(2))
    if same:  # LiteRT's fast kernel takes no smaller filters
        filter_h, filter_w = max(filter_h, stride_h), max(filter_w, stride_w)
    height, width = int(rng.integers(1, 7)), int(rng.integers(1, 40))
    channels, units = (int(rng.integers(1, 40)) for _ in range(2))
    x, out = stored("int8", 0.02, rng), stored("int8", rng.uniform(0.02, 0.2), rng)
    image = random_array((2, height, width, channels), "int8", rng)
    shape = (units, filter_h, filter_w, channels)
    _, _, weight_tensor = weights_of(shape, units, 0, "int8", rng)
    grown = (height * stride_h, width * stride_w)
    if not same:
        grown = (
            (height - 1) * stride_h + max(filter_h, stride_h),
            (width - 1) * stride_w + max(filter_w, stride_w),
        )
    large = (2, *grown, units)
    options = schema.TransposeConvOptionsT()
    options.padding, options.strideH, options.strideW = 0 if same else 1, stride_h, stride_w
    model = single_op_model(
        OP.TRANSPOSE_CONV,
        options,
        [constant(large, np.int32), weight_tensor, tensor(image.shape, x)],
        [tensor(large, out)],
        version=2,
    )
    assert np.array_equal(native(model, [image], threads=2)[0], litert(model, [image])[0])


@given(seed=seeds, adjoint_a=st.booleans(), adjoint_b=st.booleans())
def test_batch_matmul_follows_its_rule_and_has_the_bits_of_litert(
    seed: int, adjoint_a: bool, adjoint_b: bool
) -> None:
    rng = np.random.default_rng(seed)
    rows, depth, columns = (int(rng.integers(1, 20)) for _ in range(3))
    how_a, how_b = stored("int8", 0.02, rng), stored("int8", 0.03, rng)
    out = stored("int8", rng.uniform(0.02, 0.2), rng)
    a = random_array((2, 3, rows, depth), "int8", rng)
    b = random_array((2, 3, depth, columns), "int8", rng)
    sums = how_a.centred(a) @ how_b.centred(b)
    expected = out.clamp(rules.mulfix(sums, how_a.scale * how_b.scale / out.scale) + out.zero)
    options = schema.BatchMatMulOptionsT()
    options.adjX, options.adjY = adjoint_a, adjoint_b
    inputs = [
        np.ascontiguousarray(m.swapaxes(2, 3)) if adjoint else m
        for m, adjoint in ((a, adjoint_a), (b, adjoint_b))
    ]
    model = single_op_model(
        OP.BATCH_MATMUL,
        options,
        [tensor(inputs[0].shape, how_a), tensor(inputs[1].shape, how_b)],
        [tensor(expected.shape, out)],
        version=2,
    )
    assert np.array_equal(native(model, inputs)[0], expected)
    assert np.array_equal(litert(model, inputs)[0], expected)
