"""Operators on shapes of vision, audio and language models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.operator_models import Case, Shape, as_weights
from edgesdk_runtimes.base import Array

MAP, SMALL_MAP = (1, 56, 56, 64), (1, 14, 14, 384)
SOUND = (1, 49, 10, 64)
TEXT, SCORES, WIDE = (1, 128, 384), (1, 12, 128, 128), (1, 128, 1536)
BOTH, FLOAT = ("FLOAT32", "INT8"), ("FLOAT32",)


def _ints(*values: int) -> Array:
    return np.array(values, np.int32)


def _number(value: int) -> Array:
    return np.array(value, np.int32)


def _reals(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _unary()
    yield from _binary()
    yield from _choices()
    yield from _reductions()
    yield from _rows()
    yield from _moves()
    yield from _parts()
    yield from _lookups()
    yield from _spaces()
    yield from _products()
    yield from _windows()


# ---- elementwise -----------------------------------------------------------------------------

BYTE_UNARY = tuple(
    [
        "ABS",
        "ELU",
        "EXP",
        "GELU",
        "HARD_SWISH",
        "LEAKY_RELU",
        "LOG",
        "LOGISTIC",
        "RELU",
        "RELU6",
        "RSQRT",
        "SQRT",
        "TANH",
        "NEG",
    ]
)
FLOAT_UNARY = (
    *BYTE_UNARY,
    *["CEIL", "COS", "FLOOR", "RELU_N1_TO_1", "ROUND", "SIGN", "SIN", "SQUARE"],
)
CASTS = (("INT32", "FLOAT32"), ("FLOAT32", "INT32"), ("BOOL", "FLOAT32"), ("INT64", "INT32"))
BYTE_BINARY = ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE")
FLOAT_BINARY = (*BYTE_BINARY, "DIV", "FLOOR_DIV", "FLOOR_MOD", "POW")


def _unary() -> Iterator[Case]:
    for code in FLOAT_UNARY:
        for kind in BOTH if code in BYTE_UNARY else FLOAT:
            for shape in (MAP, SOUND, WIDE):
                options = {"alpha": 0.1} if code == "LEAKY_RELU" else {}
                yield Case(code, kind, (shape,), (shape,), options)
    for shape in (MAP, SOUND, TEXT):
        yield Case("QUANTIZE", "FLOAT32", (shape,), (shape,), result="INT8")
        yield Case("QUANTIZE", "INT8", (shape,), (shape,))
        yield Case("DEQUANTIZE", "INT8", (shape,), (shape,), result="FLOAT32")
        for source, target in CASTS:
            types = {"in_data_type": source, "out_data_type": target}
            yield Case("CAST", source, (shape,), (shape,), types, target)


def _binary() -> Iterator[Case]:
    for code in FLOAT_BINARY:
        for kind in BOTH if code in BYTE_BINARY else FLOAT:
            for shape in (MAP, SMALL_MAP, SOUND, TEXT, SCORES):
                others = (shape, _reals(shape[-1]), _reals(), (*shape[:-1], 1))
                for other in others:
                    yield Case(code, kind, (shape, other), (shape,))
            yield Case(code, kind, (SCORES, (1, 1, 1, 128)), (SCORES,))
    for code in ("LOGICAL_AND", "LOGICAL_OR"):
        yield Case(code, "BOOL", (MAP, MAP), (MAP,))
    yield Case("LOGICAL_NOT", "BOOL", (MAP,), (MAP,))
    for kind in BOTH:
        yield Case("PRELU", kind, (MAP, _reals(1, 1, 64)), (MAP,))


def _choices() -> Iterator[Case]:
    flags = np.random.default_rng(0).integers(0, 2, SCORES).astype(np.bool_)
    for kind in BOTH:
        for code in ["EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"]:
            yield Case(code, kind, (MAP, MAP), (MAP,), result="BOOL")
            yield Case(code, kind, (SCORES, _reals()), (SCORES,), result="BOOL")
        yield Case("SELECT", kind, (flags, SCORES, SCORES), (SCORES,))
        for chosen, other in ((flags, SCORES), (flags, _reals()), (flags[:, :1, :1], _reals())):
            yield Case("SELECT_V2", kind, (chosen, SCORES, other), (SCORES,))


# ---- reductions, rows ------------------------------------------------------------------------

REDUCED: tuple[tuple[Shape, tuple[int, ...]], ...] = (
    *((MAP, (1, 2)), (SMALL_MAP, (1, 2)), (MAP, (3,)), (SOUND, (1,)), (SOUND, (1, 2))),
    *((TEXT, (1,)), (TEXT, (2,)), (SCORES, (3,)), (SCORES, (2,)), (SCORES, (1,))),
)


def _reductions() -> Iterator[Case]:
    keep = {"keep_dims": True}
    for code in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        for kind in BOTH if code != "REDUCE_PROD" else FLOAT:
            for shape, axes in REDUCED:
                out = tuple(1 if i in axes else n for i, n in enumerate(shape))
                yield Case(code, kind, (shape, _ints(*axes)), (out,), keep)
    for code in ("REDUCE_ANY", "REDUCE_ALL"):
        yield Case(code, "BOOL", (TEXT, _ints(2)), ((1, 128, 1),), keep)
    for code in ("ARG_MAX", "ARG_MIN"):
        for kind in BOTH:
            for shape, axis in ((MAP, 3), (TEXT, 2), (TEXT, 1), ((1, 1000), 1)):
                out = shape[:axis] + shape[axis + 1 :]
                types = {"output_type": "INT32"}
                yield Case(code, kind, (shape, _ints(axis)), (out,), types, "INT32")


def _rows() -> Iterator[Case]:
    for kind in BOTH:
        for shape in (SCORES, TEXT, (1, 1000), (1, 12), MAP):
            yield Case("SOFTMAX", kind, (shape,), (shape,), {"beta": 1.0})
            yield Case("LOG_SOFTMAX", kind, (shape,), (shape,))
            yield Case("L2_NORMALIZATION", kind, (shape,), (shape,))
    for shape, axis in ((TEXT, 1), (TEXT, 2), (SCORES, 3)):
        yield Case("CUMSUM", "FLOAT32", (shape, _number(axis)), (shape,))


# ---- movement --------------------------------------------------------------------------------

TURNS: tuple[tuple[Shape, tuple[int, ...]], ...] = (
    *((MAP, (0, 3, 1, 2)), ((1, 64, 56, 56), (0, 2, 3, 1)), ((1, 3, 224, 224), (0, 2, 3, 1))),
    *(((1, 128, 12, 32), (0, 2, 1, 3)), ((1, 12, 128, 32), (0, 1, 3, 2)), (TEXT, (0, 2, 1))),
    *((SOUND, (0, 2, 1, 3)), ((1, 12, 128, 32), (0, 2, 1, 3))),
)


def _moves() -> Iterator[Case]:
    for kind in BOTH:
        for shape, order in TURNS:
            yield Case("TRANSPOSE", kind, (shape, _ints(*order)), (tuple(shape[i] for i in order),))
        for shape in (MAP, SOUND):
            around = _ints(0, 0, 1, 1, 1, 1, 0, 0).reshape(4, 2)
            padded = (1, shape[1] + 2, shape[2] + 2, shape[3])
            yield Case("PAD", kind, (shape, around), (padded,))
            yield Case("PADV2", kind, (shape, around, np.array(1, np.float32)), (padded,))
            yield Case("MIRROR_PAD", kind, (shape, around), (padded,), {"mode": "REFLECT"})
        yield Case("TILE", kind, (TEXT, _ints(1, 2, 1)), ((1, 256, 384),))
        for row, times in (((1, 1, 384), (1, 128, 1)), ((1, 128, 1), (1, 1, 384))):
            yield Case("TILE", kind, (row, _ints(*times)), (TEXT,))
            yield Case("BROADCAST_TO", kind, (row, _ints(*TEXT)), (TEXT,))


def _parts() -> Iterator[Case]:
    two = {"num_splits": 2}
    for kind in BOTH:
        for shape, axis in ((MAP, 1), (MAP, 3), (TEXT, 1), (TEXT, 2)):
            twice = tuple(2 * n if i == axis else n for i, n in enumerate(shape))
            half = tuple(n // 2 if i == axis else n for i, n in enumerate(shape))
            sizes = _ints(half[axis], half[axis])
            yield Case("CONCATENATION", kind, (shape, shape), (twice,), {"axis": axis})
            yield Case("SPLIT", kind, (_number(axis), shape), (half, half), two)
            yield Case("SPLIT_V", kind, (shape, sizes, _number(axis)), (half, half), two)
            yield Case("REVERSE_V2", kind, (shape, _ints(axis)), (shape,))
        for begin, size in (((0, 4, 4, 0), (1, 48, 48, 64)), ((0, 0, 0, 8), (1, 56, 56, 32))):
            yield Case("SLICE", kind, (MAP, _ints(*begin), _ints(*size)), (size,))
        steps = (_ints(0, 0, 0, 0), _ints(*MAP), _ints(1, 2, 2, 1))
        yield Case("STRIDED_SLICE", kind, (MAP, *steps), ((1, 28, 28, 64),))
        steps = (_ints(0, 0, 0), _ints(*TEXT), _ints(1, 1, 2))
        yield Case("STRIDED_SLICE", kind, (TEXT, *steps), ((1, 128, 192),))
        yield Case("PACK", kind, (TEXT, TEXT), ((2, *TEXT),), {"values_count": 2, "axis": 0})
        yield Case("PACK", kind, (TEXT, TEXT), ((*TEXT, 2),), {"values_count": 2, "axis": 3})
        yield Case("UNPACK", kind, ((1, 128, 3, 384),), (TEXT,) * 3, {"num": 3, "axis": 2})


def _lookups() -> Iterator[Case]:
    rows = np.random.default_rng(0).integers(0, 1000, (1, 128)).astype(np.int32)
    places = np.stack([np.zeros(128, np.int32), np.arange(128, dtype=np.int32)], 1)
    for kind in BOTH:
        yield Case("GATHER", kind, (_reals(1000, 384), rows), ((1, 128, 384),))
        columns = _ints(*range(0, 384, 3))
        yield Case("GATHER", kind, (TEXT, columns), ((1, 128, 128),), {"axis": 2})
        yield Case("GATHER_ND", kind, (TEXT, places), ((128, 384),))
    yield Case("EMBEDDING_LOOKUP", "FLOAT32", (rows[0], _reals(1000, 384)), ((128, 384),))
    on, off = np.array(1, np.float32), np.array(0, np.float32)
    depth = {"axis": -1}
    yield Case("ONE_HOT", "FLOAT32", (rows, _number(1000), on, off), ((1, 128, 1000),), depth)


def _spaces() -> Iterator[Case]:
    size = {"block_size": 2}
    block, no_pad = _ints(2, 2), np.zeros((2, 2), np.int32)
    for kind in BOTH:
        yield Case("SPACE_TO_DEPTH", kind, (MAP,), ((1, 28, 28, 256),), size)
        yield Case("DEPTH_TO_SPACE", kind, (MAP,), ((1, 112, 112, 16),), size)
        yield Case("SPACE_TO_BATCH_ND", kind, (MAP, block, no_pad), ((4, 28, 28, 64),))
        yield Case("BATCH_TO_SPACE_ND", kind, ((4, 28, 28, 64), block, no_pad), (MAP,))
        for shape in (MAP, (1, 20, 20, 128)):
            out = (1, 2 * shape[1], 2 * shape[2], shape[3])
            for code in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
                options = {"half_pixel_centers": True}
                yield Case(code, kind, (shape, _ints(*out[1:3])), (out,), options)
        maps, out = (1, 33, 33, 21), (1, 129, 129, 21)
        corners = {"align_corners": True}
        yield Case("RESIZE_BILINEAR", kind, (maps, _ints(129, 129)), (out,), corners)


# ---- products, windows -----------------------------------------------------------------------

# Rows, depth, units.
DENSE = (
    *((1, 1280, 1000), (1, 64, 12), (1, 2048, 2048), (25, 64, 64)),
    *((128, 384, 384), (128, 384, 1536), (128, 1536, 384)),
)
MATMULS: tuple[tuple[Shape, Shape, Shape, bool], ...] = (
    ((1, 12, 128, 32), (1, 12, 128, 32), SCORES, True),
    (SCORES, (1, 12, 128, 32), (1, 12, 128, 32), False),
    ((1, 8, 1, 64), (1, 8, 256, 64), (1, 8, 1, 256), True),
    ((1, 8, 1, 256), (1, 8, 256, 64), (1, 8, 1, 64), False),
)


def _products() -> Iterator[Case]:
    for rows, depth, units in DENSE:
        weights, bias = _reals(units, depth), _reals(units)
        for kind in BOTH:
            inputs = ((rows, depth), weights, bias)
            yield Case("FULLY_CONNECTED", kind, inputs, ((rows, units),))
        dynamic = ((rows, depth), as_weights(weights), bias)
        yield Case("FULLY_CONNECTED", "FLOAT32", dynamic, ((rows, units),))
    for kind in BOTH:
        for a, b, out, turned in MATMULS:
            yield Case("BATCH_MATMUL", kind, (a, b), (out,), {"adj_y": turned})


# Input, filter, output channels, stride.
CONVOLUTIONS = (
    *(((1, 224, 224, 3), 3, 32, 2), (MAP, 3, 64, 1), (MAP, 1, 128, 1), (SMALL_MAP, 1, 64, 1)),
    *(((1, 7, 7, 512), 3, 512, 1), ((1, 32, 32, 16), 3, 16, 1), ((1, 49, 10, 1), 5, 64, 2)),
    *(((1, 14, 14, 96), 1, 576, 1), (MAP, 3, 128, 2), ((1, 112, 112, 16), 1, 96, 1)),
)
DEPTHWISE = (
    *((MAP, 3, 1), (MAP, 3, 2), (SMALL_MAP, 5, 1), (SMALL_MAP, 3, 1), ((1, 25, 5, 64), 3, 1)),
    *(((1, 112, 112, 32), 3, 1), ((1, 7, 7, 960), 3, 1)),
)
POOLS = ((MAP, 2, 2), (MAP, 3, 1), ((1, 112, 112, 64), 3, 2), ((1, 7, 7, 1280), 7, 7))


def _strided(shape: Shape, channels: int, stride: int) -> tuple[Shape, dict[str, str | int]]:
    """The output of a window with SAME padding, and its options."""
    out = (1, -(-shape[1] // stride), -(-shape[2] // stride), channels)
    return out, {"padding": "SAME", "stride_w": stride, "stride_h": stride}


def _windows() -> Iterator[Case]:
    for kind in BOTH:
        for shape, size, units, stride in CONVOLUTIONS:
            out, steps = _strided(shape, units, stride)
            inputs = (shape, _reals(units, size, size, shape[3]), _reals(units))
            yield Case("CONV_2D", kind, inputs, (out,), steps)
        for shape, size, stride in DEPTHWISE:
            out, steps = _strided(shape, shape[3], stride)
            inputs = (shape, _reals(1, size, size, shape[3]), _reals(shape[3]))
            yield Case("DEPTHWISE_CONV_2D", kind, inputs, (out,), steps | {"depth_multiplier": 1})
        for shape, size, stride in POOLS:
            out, steps = _strided(shape, shape[3], stride)
            window = steps | {"filter_width": size, "filter_height": size}
            yield Case("AVERAGE_POOL_2D", kind, (shape,), (out,), window)
            yield Case("MAX_POOL_2D", kind, (shape,), (out,), window)
        for small, size, channels in (((1, 14, 14, 64), 3, 32), ((1, 28, 28, 32), 2, 16)):
            out = (1, 2 * small[1], 2 * small[2], channels)
            weights = _reals(channels, size, size, small[3])
            _, steps = _strided(out, channels, 2)
            yield Case("TRANSPOSE_CONV", kind, (_ints(*out), weights, small), (out,), steps)
