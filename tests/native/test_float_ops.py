"""Float32 operators: near LiteRT, and near the same mathematics in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from tests.native.running import litert, native, opened
from tests.native.single_op import TensorDef, constant, single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
ACTIVATION = schema.ActivationFunctionType
# Of the largest magnitude of the output, or of 1: sums of values near 1 may cancel.
TOLERANCE = 1e-5
SIZES = st.integers(1, 6)
SHAPES = st.lists(SIZES, min_size=1, max_size=4).map(tuple)
SEEDS = st.integers(0, 2**32 - 1)
NUMPY_ACTIVATIONS: dict[int, Callable[[Array], Array]] = {
    ACTIVATION.NONE: lambda x: x,
    ACTIVATION.RELU: lambda x: np.maximum(x, 0),
    ACTIVATION.RELU6: lambda x: np.clip(x, 0, 6),
    ACTIVATION.RELU_N1_TO_1: lambda x: np.clip(x, -1, 1),
}
ACTIVATIONS = st.sampled_from(sorted(NUMPY_ACTIVATIONS))


def floats(shape: Sequence[int], seed: int, low: float = -2, high: float = 2) -> Array:
    """Random float32 values."""
    return np.random.default_rng(seed).uniform(low, high, tuple(shape)).astype(np.float32)


def near(ours: Array, theirs: Array, tolerance: float = TOLERANCE) -> None:
    """Compare with what is right."""
    assert ours.shape == theirs.shape
    scale = max(float(np.abs(theirs).max(initial=0)), 1.0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale)


def run(
    op: int,
    options: object | None,
    inputs: Sequence[TensorDef],
    arrays: Sequence[Array],
    shape: Sequence[int],
    *,
    version: int = 1,
) -> Array:
    """The output of ours, which must be near LiteRT's."""
    model = single_op_model(op, options, inputs, [TensorDef(tuple(shape))], version=version)
    (ours,), (theirs,) = native(model, arrays), litert(model, arrays)
    near(ours, theirs)
    return ours


def with_options(options: Any, **fields: Any) -> Any:
    """An options object with some fields set."""
    for name, value in fields.items():
        assert hasattr(options, name)
        setattr(options, name, value)
    return options


# ---- linear ----------------------------------------------------------------------------------


def windows(image: Array, size: tuple[int, int], stride: int, dilation: int) -> Array:
    """All patches of an already padded image: [n, h, w, size_h, size_w, c]."""
    reach_h, reach_w = ((n - 1) * dilation + 1 for n in size)
    view = np.lib.stride_tricks.sliding_window_view(image, (reach_h, reach_w), (1, 2))
    view = view[:, ::stride, ::stride, :, ::dilation, ::dilation]
    return np.moveaxis(view, 3, -1)


def pad_same(image: Array, size: tuple[int, int], stride: int, dilation: int) -> Array:
    """SAME padding with zeros, the odd pixel at the end."""
    pads = []
    for length, n in zip(image.shape[1:3], size, strict=True):
        reach = (n - 1) * dilation + 1
        total = max((-(-length // stride) - 1) * stride + reach - length, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(image, [(0, 0), *pads, (0, 0)])


CONVOLUTIONS = {
    "size": st.tuples(st.integers(1, 3), st.integers(1, 3)),
    "extra": st.tuples(st.integers(0, 6), st.integers(0, 6)),
    "stride": st.integers(1, 3),
    "dilation": st.integers(1, 2),
    "same": st.booleans(),
    "activation": ACTIVATIONS,
    "seed": SEEDS,
}


def image_for(
    size: tuple[int, int], extra: tuple[int, int], dilation: int, channels: int, seed: int
) -> Array:
    """An image that is at least as large as the dilated filter."""
    height, width = ((n - 1) * dilation + 1 + e for n, e in zip(size, extra, strict=True))
    return floats((2, height, width, channels), seed)


@given(in_c=SIZES, out_c=st.integers(1, 19), groups=st.sampled_from([1, 1, 2]), **CONVOLUTIONS)
def test_conv_is_a_sum_over_patches(
    in_c: int,
    out_c: int,
    groups: int,
    size: tuple[int, int],
    extra: tuple[int, int],
    stride: int,
    dilation: int,
    same: bool,
    activation: int,
    seed: int,
) -> None:
    out_c *= groups
    image = image_for(size, extra, dilation, in_c * groups, seed)
    weights, bias = floats((out_c, *size, in_c), seed + 1), floats((out_c,), seed + 2)
    options = with_options(
        schema.Conv2DOptionsT(),
        padding=schema.Padding.SAME if same else schema.Padding.VALID,
        strideH=stride,
        strideW=stride,
        dilationHFactor=dilation,
        dilationWFactor=dilation,
        fusedActivationFunction=activation,
    )
    padded = pad_same(image, size, stride, dilation) if same else image
    patches = windows(padded.astype(np.float64), size, stride, dilation)
    parts = [
        np.einsum("nhwijc,oijc->nhwo", part, kernel)
        for part, kernel in zip(
            np.split(patches, groups, -1), np.split(weights.astype(np.float64), groups), strict=True
        )
    ]
    expected = NUMPY_ACTIVATIONS[activation](np.concatenate(parts, -1) + bias)
    inputs = [TensorDef(image.shape), constant(weights), constant(bias)]
    near(run(OP.CONV_2D, options, inputs, [image], expected.shape), expected)


@given(
    in_c=st.integers(24, 40),
    out_c=st.integers(1, 40),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    threads=st.integers(2, 3),
    seed=SEEDS,
)
def test_3x3_conv_by_minimal_filtering_is_the_sum_and_the_same_on_any_threads(
    in_c: int, out_c: int, height: int, width: int, threads: int, seed: int
) -> None:
    image = floats((2, height, width, in_c), seed)
    weights, bias = floats((out_c, 3, 3, in_c), seed + 1), floats((out_c,), seed + 2)
    patches = windows(pad_same(image, (3, 3), 1, 1).astype(np.float64), (3, 3), 1, 1)
    expected = np.einsum("nhwijc,oijc->nhwo", patches, weights.astype(np.float64)) + bias
    options = with_options(
        schema.Conv2DOptionsT(), padding=schema.Padding.SAME, strideH=1, strideW=1
    )
    inputs = [TensorDef(image.shape), constant(weights), constant(bias)]
    model = single_op_model(OP.CONV_2D, options, inputs, [TensorDef(expected.shape)])
    session = opened(model)
    assert [node.kernel.startswith("winograd_f32") for node in session.nodes()] == [True]
    (ours,) = session.run([image])
    near(ours, expected)
    assert np.array_equal(native(model, [image], threads=threads)[0], ours)


@given(in_c=SIZES, multiplier=st.integers(1, 3), **CONVOLUTIONS)
def test_depthwise_conv_keeps_channels_apart(
    in_c: int,
    multiplier: int,
    size: tuple[int, int],
    extra: tuple[int, int],
    stride: int,
    dilation: int,
    same: bool,
    activation: int,
    seed: int,
) -> None:
    image = image_for(size, extra, dilation, in_c, seed)
    weights = floats((1, *size, in_c * multiplier), seed + 1)
    bias = floats((in_c * multiplier,), seed + 2)
    options = with_options(
        schema.DepthwiseConv2DOptionsT(),
        padding=schema.Padding.SAME if same else schema.Padding.VALID,
        strideH=stride,
        strideW=stride,
        dilationHFactor=dilation,
        dilationWFactor=dilation,
        depthMultiplier=multiplier,
        fusedActivationFunction=activation,
    )
    padded = pad_same(image, size, stride, dilation) if same else image
    patches = windows(padded.astype(np.float64), size, stride, dilation)
    spread = np.repeat(patches, multiplier, -1)
    sums = np.einsum("nhwijc,ijc->nhwc", spread, weights[0].astype(np.float64))
    expected = NUMPY_ACTIVATIONS[activation](sums + bias)
    inputs = [TensorDef(image.shape), constant(weights), constant(bias)]
    near(run(OP.DEPTHWISE_CONV_2D, options, inputs, [image], expected.shape), expected)


@given(
    in_c=SIZES,
    out_c=SIZES,
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    same=st.booleans(),
    seed=SEEDS,
)
def test_transpose_conv_scatters_filters(
    in_c: int, out_c: int, size: tuple[int, int], stride: int, same: bool, seed: int
) -> None:
    image = floats((2, 3, 4, in_c), seed)
    weights = floats((out_c, *size, in_c), seed + 1).astype(np.float32)
    full = [(n - 1) * stride + k for n, k in zip((3, 4), size, strict=True)]
    scattered = np.zeros((2, *full, out_c))
    for y, x in np.ndindex(3, 4):
        stamp = np.einsum("nc,oijc->nijo", image[:, y, x].astype(np.float64), weights)
        top, left = y * stride, x * stride
        scattered[:, top : top + size[0], left : left + size[1]] += stamp
    shape = [3 * stride, 4 * stride] if same else full
    cuts = [max(f - n, 0) // 2 for f, n in zip(full, shape, strict=True)]
    missing = [max(n - f, 0) for f, n in zip(full, shape, strict=True)]
    grown = np.pad(scattered, [(0, 0), (0, missing[0]), (0, missing[1]), (0, 0)])
    expected = grown[:, cuts[0] :, cuts[1] :][:, : shape[0], : shape[1]]
    options = with_options(
        schema.TransposeConvOptionsT(),
        padding=schema.Padding.SAME if same else schema.Padding.VALID,
        strideH=stride,
        strideW=stride,
    )
    out_shape = constant([2, *shape, out_c], np.int32)
    inputs = [out_shape, constant(weights), TensorDef(image.shape)]
    near(run(OP.TRANSPOSE_CONV, options, inputs, [image], expected.shape), expected)


@given(
    rows=SIZES,
    depth=st.integers(1, 40),
    units=st.integers(1, 20),
    biased=st.booleans(),
    activation=ACTIVATIONS,
    seed=SEEDS,
)
def test_fully_connected_is_a_matrix_product(
    rows: int, depth: int, units: int, biased: bool, activation: int, seed: int
) -> None:
    x, weights = floats((rows, depth), seed), floats((units, depth), seed + 1)
    bias = floats((units,), seed + 2) if biased else np.zeros(units, np.float32)
    options = with_options(schema.FullyConnectedOptionsT(), fusedActivationFunction=activation)
    inputs = [TensorDef(x.shape), constant(weights), *([constant(bias)] if biased else [])]
    expected = NUMPY_ACTIVATIONS[activation](x.astype(np.float64) @ weights.T.astype(float) + bias)
    near(run(OP.FULLY_CONNECTED, options, inputs, [x], (rows, units)), expected)


@given(
    m=SIZES,
    k=st.integers(1, 20),
    n=st.integers(1, 20),
    transposed=st.tuples(st.booleans(), st.booleans()),
    batch=st.sampled_from([((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 1), (2, 3)), ((3,), ())]),
    seed=SEEDS,
)
def test_batch_matmul_broadcasts_batches_and_takes_transposed_sides(
    m: int,
    k: int,
    n: int,
    transposed: tuple[bool, bool],
    batch: tuple[tuple[int, ...], tuple[int, ...]],
    seed: int,
) -> None:
    a, b = floats((*batch[0], m, k), seed), floats((*batch[1], k, n), seed + 1)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    stored = [
        np.ascontiguousarray(np.swapaxes(side, -1, -2)) if flip else side
        for side, flip in zip((a, b), transposed, strict=True)
    ]
    options = with_options(schema.BatchMatMulOptionsT(), adjX=transposed[0], adjY=transposed[1])
    inputs = [TensorDef(side.shape) for side in stored]
    near(run(OP.BATCH_MATMUL, options, inputs, stored, expected.shape), expected)


# ---- pools, softmax, norms -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"])
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    same=st.booleans(),
    c=SIZES,
    seed=SEEDS,
)
def test_pools_leave_out_what_lies_outside(
    name: str, size: tuple[int, int], stride: int, same: bool, c: int, seed: int
) -> None:
    image = floats((2, 5, 4, c), seed)
    options = with_options(
        schema.Pool2DOptionsT(),
        padding=schema.Padding.SAME if same else schema.Padding.VALID,
        strideH=stride,
        strideW=stride,
        filterHeight=size[0],
        filterWidth=size[1],
    )
    if same:
        height, width = -(-5 // stride), -(-4 // stride)
    else:
        height, width = (5 - size[0]) // stride + 1, (4 - size[1]) // stride + 1
    result = run(
        getattr(OP, name), options, [TensorDef(image.shape)], [image], (2, height, width, c)
    )
    holes = pad_same(np.ones_like(image), size, stride, 1) if same else np.ones_like(image)
    padded = pad_same(image, size, stride, 1) if same else image
    patches = windows(np.where(holes == 1, padded, np.nan).astype(float), size, stride, 1)
    reduce: dict[str, Callable[[Array], Array]] = {
        "AVERAGE_POOL_2D": lambda p: np.nanmean(p, (3, 4)),
        "MAX_POOL_2D": lambda p: np.nanmax(p, (3, 4)),
        "L2_POOL_2D": lambda p: np.sqrt(np.nanmean(p * p, (3, 4))),
    }
    near(result, reduce[name](patches))


@given(shape=SHAPES, beta=st.sampled_from([1.0, 0.5, 3.0]), shift=st.sampled_from([0, 80, -300]))
def test_softmax_sums_to_one_wherever_its_input_lies(
    shape: tuple[int, ...], beta: float, shift: float
) -> None:
    x = floats(shape, 0, -6, 6) + np.float32(shift)
    options = with_options(schema.SoftmaxOptionsT(), beta=beta)
    result = run(OP.SOFTMAX, options, [TensorDef(shape)], [x], shape)
    power = np.exp(beta * (x.astype(np.float64) - x.max(-1, keepdims=True)))
    near(result, power / power.sum(-1, keepdims=True))


@given(shape=SHAPES, seed=SEEDS)
def test_log_softmax_is_the_logarithm_of_softmax(shape: tuple[int, ...], seed: int) -> None:
    x = floats(shape, seed, -20, 20)
    result = run(OP.LOG_SOFTMAX, schema.LogSoftmaxOptionsT(), [TensorDef(shape)], [x], shape)
    shifted = x.astype(np.float64) - x.max(-1, keepdims=True)
    near(result, shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


@given(shape=SHAPES, seed=SEEDS)
def test_l2_normalization_makes_unit_vectors(shape: tuple[int, ...], seed: int) -> None:
    x = floats(shape, seed, 0.1, 2)
    result = run(OP.L2_NORMALIZATION, schema.L2NormOptionsT(), [TensorDef(shape)], [x], shape)
    near(result, x / np.sqrt((x.astype(np.float64) ** 2).sum(-1, keepdims=True)))


# ---- elementwise -----------------------------------------------------------------------------


def _gelu(x: Array) -> Array:
    half = [0.5 * v * (1 + math.erf(v / 2**0.5)) for v in x.ravel()]
    return np.array(half).reshape(x.shape)


UNARY: dict[str, tuple[Callable[[Array], Array], tuple[float, float]]] = {
    "ABS": (np.abs, (-3, 3)),
    "CEIL": (np.ceil, (-3, 3)),
    "COS": (np.cos, (-9, 9)),
    "ELU": (lambda x: np.where(x < 0, np.expm1(x), x), (-3, 3)),
    "EXP": (np.exp, (-9, 9)),
    "FLOOR": (np.floor, (-3, 3)),
    "GELU": (_gelu, (-6, 6)),
    "HARD_SWISH": (lambda x: x * np.clip(x + 3, 0, 6) / 6, (-6, 6)),
    "LOG": (np.log, (0.01, 9)),
    "LOGISTIC": (lambda x: 1 / (1 + np.exp(-x)), (-9, 9)),
    "NEG": (np.negative, (-3, 3)),
    "RELU": (lambda x: np.maximum(x, 0), (-3, 3)),
    "RELU_0_TO_1": (lambda x: np.clip(x, 0, 1), (-3, 3)),
    "RELU_N1_TO_1": (lambda x: np.clip(x, -1, 1), (-3, 3)),
    "RELU6": (lambda x: np.clip(x, 0, 6), (-9, 9)),
    "ROUND": (np.rint, (-3, 3)),
    "RSQRT": (lambda x: 1 / np.sqrt(x), (0.01, 9)),
    "SIGN": (np.sign, (-3, 3)),
    "SIN": (np.sin, (-9, 9)),
    "SQRT": (np.sqrt, (0, 9)),
    "SQUARE": (np.square, (-3, 3)),
    "TANH": (np.tanh, (-4, 4)),
}


@pytest.mark.parametrize("name", UNARY)
@given(shape=SHAPES, seed=SEEDS)
def test_a_unary_operator_is_its_function(name: str, shape: tuple[int, ...], seed: int) -> None:
    function, (low, high) = UNARY[name]
    x = floats(shape, seed, low, high)
    options = schema.GeluOptionsT() if name == "GELU" else None
    result = run(getattr(OP, name), options, [TensorDef(shape)], [x], shape)
    near(result, function(x.astype(np.float64)))


def test_a_unary_operator_lets_nan_and_infinity_through() -> None:
    x = np.array([np.nan, np.inf, -np.inf], np.float32)
    for name, expected in {
        "ABS": [np.nan, np.inf, np.inf],
        "EXP": [np.nan, np.inf, 0],
        "LOGISTIC": [np.nan, 1, 0],
        "TANH": [np.nan, 1, -1],
    }.items():
        model = single_op_model(getattr(OP, name), None, [TensorDef((3,))], [TensorDef((3,))])
        (result,) = native(model, [x])
        np.testing.assert_array_equal(result, np.array(expected, np.float32))


BINARY: dict[str, tuple[Callable[[Array, Array], Array], str | None]] = {
    "ADD": (np.add, "AddOptionsT"),
    "SUB": (np.subtract, "SubOptionsT"),
    "MUL": (np.multiply, "MulOptionsT"),
    "DIV": (np.divide, "DivOptionsT"),
    "MAXIMUM": (np.maximum, None),
    "MINIMUM": (np.minimum, None),
    "SQUARED_DIFFERENCE": (lambda a, b: (a - b) ** 2, None),
    "POW": (np.power, None),
    "FLOOR_DIV": (np.floor_divide, None),
    "FLOOR_MOD": (np.mod, None),
}


@pytest.mark.parametrize("name", BINARY)
@given(shape=SHAPES, data=st.data(), seed=SEEDS)
def test_a_binary_operator_broadcasts_as_numpy_does(
    name: str, shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    function, options = BINARY[name]
    other = tuple(1 if data.draw(st.booleans()) else size for size in shape)
    other = other[data.draw(st.integers(0, len(shape) - 1)) :]
    a, b = floats(shape, seed, 0.5, 3), floats(other, seed + 1, 0.5, 3)
    sides = [a, b] if data.draw(st.booleans()) else [b, a]
    inputs = [TensorDef(side.shape) for side in sides]
    made = getattr(schema, options)() if options else None
    result = run(getattr(OP, name), made, inputs, sides, shape)
    near(result, function(*(side.astype(np.float64) for side in sides)))


def test_prelu_scales_what_is_negative() -> None:
    x, slope = floats((2, 3, 4, 5), 0), floats((1, 1, 5), 1)
    result = run(OP.PRELU, None, [TensorDef(x.shape), constant(slope)], [x], x.shape)
    near(result, np.where(x < 0, x * slope, x))


REDUCE = {
    "MEAN": np.mean,
    "SUM": np.sum,
    "REDUCE_MAX": np.max,
    "REDUCE_MIN": np.min,
    "REDUCE_PROD": np.prod,
}


@pytest.mark.parametrize("name", REDUCE)
@given(shape=SHAPES, keep=st.booleans(), data=st.data(), seed=SEEDS)
def test_a_reduction_over_any_axes_is_numpys(
    name: str, shape: tuple[int, ...], keep: bool, data: st.DataObject, seed: int
) -> None:
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    x = floats(shape, seed)
    options = with_options(schema.ReducerOptionsT(), keepDims=keep)
    function: Any = REDUCE[name]
    expected = function(x.astype(np.float64), axis=tuple(axes), keepdims=keep)
    inputs = [TensorDef(shape), constant(axes, np.int32)]
    near(run(getattr(OP, name), options, inputs, [x], expected.shape), expected, 1e-4)


# ---- shape-changing --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"])
@given(
    sizes=st.tuples(SIZES, SIZES, st.integers(1, 12), st.integers(1, 12)),
    mode=st.sampled_from(["plain", "align", "half"]),
    c=SIZES,
    seed=SEEDS,
)
def test_resize_is_litert(
    name: str, sizes: tuple[int, int, int, int], mode: str, c: int, seed: int
) -> None:
    image = floats((2, *sizes[:2], c), seed)
    made: Any = (
        schema.ResizeBilinearOptionsT()
        if name == "RESIZE_BILINEAR"
        else schema.ResizeNearestNeighborOptionsT()
    )
    options = with_options(made, alignCorners=mode == "align", halfPixelCenters=mode == "half")
    inputs = [TensorDef(image.shape), constant(sizes[2:], np.int32)]
    run(getattr(OP, name), options, inputs, [image], (2, *sizes[2:], c), version=3)


@given(shape=SHAPES, data=st.data(), seed=SEEDS)
def test_pad_and_mirror_pad_are_numpys(
    shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    x = floats(shape, seed)
    amount = st.integers(0, 3)
    pads = [(data.draw(amount), data.draw(amount)) for _ in shape]
    padded = np.pad(x, pads)
    inputs = [TensorDef(shape), constant(pads, np.int32)]
    near(run(OP.PAD, None, inputs, [x], padded.shape), padded)
    value = constant(np.array(1.5, np.float32))
    padded = np.pad(x, pads, constant_values=1.5)
    near(run(OP.PADV2, None, [*inputs, value], [x], padded.shape), padded)
    inner = [(min(a, n - 1), min(b, n - 1)) for (a, b), n in zip(pads, shape, strict=True)]
    for mode, name in ((schema.MirrorPadMode.REFLECT, "reflect"), (1, "symmetric")):
        options = with_options(schema.MirrorPadOptionsT(), mode=mode)
        mirrored = np.pad(x, inner, mode=name)  # type: ignore[call-overload]
        inputs = [TensorDef(shape), constant(inner, np.int32)]
        near(run(OP.MIRROR_PAD, options, inputs, [x], mirrored.shape), mirrored)


@given(shape=SHAPES, lengths=st.lists(SIZES, min_size=1, max_size=4), data=st.data(), seed=SEEDS)
def test_concatenation_is_numpys(
    shape: tuple[int, ...], lengths: list[int], data: st.DataObject, seed: int
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    at = axis % len(shape)
    parts = [
        floats((*shape[:at], length, *shape[at + 1 :]), seed + i)
        for i, length in enumerate(lengths)
    ]
    options = with_options(schema.ConcatenationOptionsT(), axis=axis)
    expected = np.concatenate(parts, axis)
    inputs = [TensorDef(part.shape) for part in parts]
    near(run(OP.CONCATENATION, options, inputs, parts, expected.shape), expected)


# ---- LSTM ------------------------------------------------------------------------------------


@given(
    sizes=st.tuples(SIZES, SIZES, st.integers(1, 9), st.integers(1, 9), SIZES),
    time_major=st.booleans(),
    coupled=st.booleans(),
    peepholes=st.booleans(),
    projected=st.booleans(),
    clip=st.sampled_from([0.0, 0.3]),
    seed=SEEDS,
)
def test_the_float_lstm_is_litert(
    sizes: tuple[int, int, int, int, int],
    time_major: bool,
    coupled: bool,
    peepholes: bool,
    projected: bool,
    clip: float,
    seed: int,
) -> None:
    batch, steps, inputs, cells, narrow = sizes
    outputs = narrow if projected else cells
    first = 1 if coupled else 0
    parts: list[TensorDef | None] = [None] * 24
    x = floats((steps, batch, inputs) if time_major else (batch, steps, inputs), seed)
    parts[0] = TensorDef(x.shape)
    for gate in range(first, 4):
        parts[1 + gate] = constant(floats((cells, inputs), seed + gate))
        parts[5 + gate] = constant(floats((cells, outputs), seed + 10 + gate))
        parts[12 + gate] = constant(floats((cells,), seed + 20 + gate))
    for place in range(first, 3) if peepholes else ():
        parts[9 + place] = constant(floats((cells,), seed + 30 + place))
    if projected:
        parts[16] = constant(floats((outputs, cells), seed + 40))
    parts[18] = TensorDef((batch, outputs), variable=True)
    parts[19] = TensorDef((batch, cells), variable=True)
    options = with_options(
        schema.UnidirectionalSequenceLSTMOptionsT(),
        fusedActivationFunction=ACTIVATION.TANH,
        timeMajor=time_major,
        cellClip=clip,
        projClip=clip,
    )
    shape = (*x.shape[:2], outputs)
    model = single_op_model(OP.UNIDIRECTIONAL_SEQUENCE_LSTM, options, parts, [TensorDef(shape)])
    (ours,), (theirs,) = native(model, [x]), litert(model, [x])
    near(ours, theirs)
