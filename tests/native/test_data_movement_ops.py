"""Operators that move, choose, compare and convert elements equal LiteRT's in every bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import ModelError
from tests.native.running import litert, native, random_array
from tests.native.single_op import TensorDef, constant, single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
DTYPES = (np.float32, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_)
# Every operator of LiteRT takes these; some refuse the others, for which numpy is the reference.
LITERT_DTYPES = (np.float32, np.int8, np.uint8, np.int32)
VERSIONS = {OP.BROADCAST_TO: 2}
SIZES = st.integers(1, 5)
SHAPES = st.lists(SIZES, min_size=1, max_size=4).map(tuple)
SEEDS = st.integers(0, 2**32 - 1)


def values(shape: Sequence[int], dtype: object, seed: int) -> Array:
    """Random elements of a type."""
    rng = np.random.default_rng(seed)
    if dtype is np.bool_:
        return rng.integers(0, 2, shape).astype(bool)
    return random_array(tuple(shape), dtype, rng)


def run(
    op: int,
    options: object | None,
    inputs: Sequence[TensorDef],
    arrays: Sequence[Array],
    results: Sequence[npt.DTypeLike],
) -> list[Array]:
    """Outputs of ours after checking that they are LiteRT's, for types that LiteRT takes.

    Args:
        op: builtin operator code.
        options: its options object.
        inputs: its inputs, constants among them.
        arrays: what is fed to the others.
        results: dtypes of the outputs; the runtimes find the shapes.
    """
    outputs = [TensorDef((1,), np.dtype(dtype)) for dtype in results]
    model = single_op_model(op, options, inputs, outputs, version=VERSIONS.get(op, 1))
    ours = native(model, arrays)
    if all(array.dtype in LITERT_DTYPES for array in arrays):
        for mine, other in zip(ours, litert(model, arrays), strict=True):
            assert mine.shape == other.shape
            np.testing.assert_array_equal(mine, other)
    return ours


def moved(op: int, options: object | None, array: Array, *constants: TensorDef) -> Array:
    """The output for one input that is followed by constants."""
    fed = TensorDef(array.shape, array.dtype)
    (result,) = run(op, options, [fed, *constants], [array], [array.dtype])
    return result


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), seed=SEEDS, data=st.data())
def test_transpose_is_numpys(
    shape: tuple[int, ...], dtype: type, seed: int, data: st.DataObject
) -> None:
    array = values(shape, dtype, seed)
    order = data.draw(st.permutations(range(len(shape))))
    result = moved(OP.TRANSPOSE, schema.TransposeOptionsT(), array, constant(order, np.int32))
    np.testing.assert_array_equal(result, array.transpose(order))


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
    order=st.sampled_from([(0, 2, 1), (2, 0, 1), (2, 1, 0), (1, 2, 0)]),
    dtype=st.sampled_from([np.int8, np.int16, np.float32]),
    seed=SEEDS,
)
def test_planes_with_and_without_whole_tiles_are_turned(
    shape: tuple[int, ...], order: tuple[int, ...], dtype: type, seed: int
) -> None:
    array = values(shape, dtype, seed)
    result = moved(OP.TRANSPOSE, schema.TransposeOptionsT(), array, constant(order, np.int32))
    np.testing.assert_array_equal(result, array.transpose(order))


def test_a_large_transpose_is_split_among_threads() -> None:
    array = values((64, 80, 24), np.int8, 0)
    fed = TensorDef(array.shape, np.int8)
    order = constant([2, 0, 1], np.int32)
    model = single_op_model(OP.TRANSPOSE, None, [fed, order], [TensorDef((1,), np.int8)])
    for threads in (1, 3):
        (result,) = native(model, [array], threads=threads)
        np.testing.assert_array_equal(result, array.transpose(2, 0, 1))


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), seed=SEEDS, data=st.data())
def test_reverse_is_numpys_flip(
    shape: tuple[int, ...], dtype: type, seed: int, data: st.DataObject
) -> None:
    array = values(shape, dtype, seed)
    axis = data.draw(st.integers(0, len(shape) - 1))
    model = [TensorDef(array.shape, dtype), constant([axis], np.int32)]
    outputs = [TensorDef((1,), dtype)]
    (result,) = native(single_op_model(OP.REVERSE_V2, None, model, outputs), [array])
    np.testing.assert_array_equal(result, np.flip(array, axis))


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), seed=SEEDS, data=st.data())
def test_strided_slice_is_litert_with_all_masks(
    shape: tuple[int, ...], dtype: type, seed: int, data: st.DataObject
) -> None:
    array = values(shape, dtype, seed)
    rank = len(shape)
    count = data.draw(st.integers(1, rank))
    mask = st.integers(0, 2**count - 1)
    options = schema.StridedSliceOptionsT()
    options.beginMask, options.endMask = data.draw(mask), data.draw(mask)
    options.shrinkAxisMask = data.draw(mask)
    begin = [data.draw(st.integers(-shape[d], shape[d] - 1)) for d in range(count)]
    step = [1 if options.shrinkAxisMask >> d & 1 else data.draw(steps()) for d in range(count)]
    end = [
        data.draw(ends(begin[d] % shape[d], shape[d], step[d], options.beginMask >> d & 1))
        for d in range(count)
    ]
    lists = [constant(part, np.int32) for part in (begin, end, step)]
    moved(OP.STRIDED_SLICE, options, array, *lists)


def steps() -> st.SearchStrategy[int]:
    return st.sampled_from([1, 2, 3, -1, -2])


def ends(first: int, size: int, step: int, from_edge: int) -> st.SearchStrategy[int]:
    """An end that leaves at least one element."""
    start = (0 if step > 0 else size - 1) if from_edge else first
    return (
        st.integers(start + 1, size + 2) if step > 0 else st.integers(-size - 3, start - 1 - size)
    )


@pytest.mark.parametrize(
    ("index", "masks"),
    [
        ("[..., 1]", {"ellipsisMask": 1, "shrinkAxisMask": 2}),
        ("[None, 1:3]", {"newAxisMask": 1}),
        ("[1:3, None]", {"newAxisMask": 2}),
        ("[..., None]", {"ellipsisMask": 1, "newAxisMask": 2}),
        ("[0, ..., 1:2]", {"shrinkAxisMask": 1, "ellipsisMask": 2}),
    ],
)
def test_strided_slice_knows_ellipsis_and_new_axes(index: str, masks: dict[str, int]) -> None:
    array = values((4, 3, 5), np.float32, 0)
    entries = [part.strip() for part in index.strip("[]").split(",")]
    options = schema.StridedSliceOptionsT()
    for name, mask in masks.items():
        setattr(options, name, mask)
    bounds = [[int(n) for n in e.split(":")] if e[0].isdigit() else [0, 0] for e in entries]
    begin = constant([b[0] for b in bounds], np.int32)
    end = constant([b[1] if len(b) > 1 else b[0] + 1 for b in bounds], np.int32)
    strides = constant([1] * len(bounds), np.int32)
    result = moved(OP.STRIDED_SLICE, options, array, begin, end, strides)
    np.testing.assert_array_equal(result, eval(f"array{index}", {"array": array}))


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), seed=SEEDS, data=st.data())
def test_slice_takes_a_box(
    shape: tuple[int, ...], dtype: type, seed: int, data: st.DataObject
) -> None:
    array = values(shape, dtype, seed)
    begin = [data.draw(st.integers(0, size - 1)) for size in shape]
    left = [size - first for size, first in zip(shape, begin, strict=True)]
    length = [data.draw(st.sampled_from([-1, *range(1, most + 1)])) for most in left]
    constants = [constant(part, np.int32) for part in (begin, length)]
    fed = [TensorDef(shape, dtype), *constants]
    (result,) = native(single_op_model(OP.SLICE, None, fed, [TensorDef((1,), dtype)]), [array])
    box = tuple(slice(b, None if n < 0 else b + n) for b, n in zip(begin, length, strict=True))
    np.testing.assert_array_equal(result, array[box])


def test_a_slice_may_begin_where_the_data_says() -> None:
    array = values((6, 5), np.float32, 3)
    inputs = [TensorDef((6, 5)), TensorDef((2,), np.int32), constant([2, 3], np.int32)]
    model = single_op_model(OP.SLICE, None, inputs, [TensorDef((2, 3))])
    for begin in ([0, 0], [4, 2], [1, 1]):
        (result,) = native(model, [array, np.array(begin, np.int32)])
        np.testing.assert_array_equal(result, array[begin[0] :][:2, begin[1] :][:, :3])
    with pytest.raises(ModelError, match="begins at 5 in dimension 0"):
        native(model, [array, np.array([5, 0], np.int32)])


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), seed=SEEDS, data=st.data())
def test_split_and_pack_are_each_others_inverse(
    shape: tuple[int, ...], dtype: type, seed: int, data: st.DataObject
) -> None:
    array = values(shape, dtype, seed)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    options = schema.UnpackOptionsT()
    options.num, options.axis = shape[axis], axis
    fed = TensorDef(shape, dtype)
    parts = run(OP.UNPACK, options, [fed], [array], [dtype] * shape[axis])
    packing = schema.PackOptionsT()
    packing.valuesCount, packing.axis = shape[axis], axis
    tensors = [TensorDef(part.shape, dtype) for part in parts]
    (packed,) = run(OP.PACK, packing, tensors, parts, [dtype])
    np.testing.assert_array_equal(packed, array)


@given(shape=SHAPES, parts=SIZES, dtype=st.sampled_from(DTYPES), seed=SEEDS, data=st.data())
def test_split_makes_equal_parts(
    shape: tuple[int, ...], parts: int, dtype: type, seed: int, data: st.DataObject
) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    whole = (*shape[:axis], shape[axis] * parts, *shape[axis + 1 :])
    array = values(whole, dtype, seed)
    options = schema.SplitOptionsT()
    options.numSplits = parts
    inputs = [constant(axis, np.int32), TensorDef(whole, dtype)]
    result = run(OP.SPLIT, options, inputs, [array], [dtype] * parts)
    np.testing.assert_array_equal(np.concatenate(result, axis), array)


@given(sizes=st.lists(SIZES, min_size=1, max_size=4), dtype=st.sampled_from(DTYPES), seed=SEEDS)
def test_split_v_makes_parts_of_given_sizes(sizes: list[int], dtype: type, seed: int) -> None:
    array = values((2, sum(sizes), 3), dtype, seed)
    options = schema.SplitVOptionsT()
    options.numSplits = len(sizes)
    given_sizes = [*sizes[:-1], -1]
    constants = [constant(given_sizes, np.int32), constant(1, np.int32)]
    inputs = [TensorDef(array.shape, dtype), *constants]
    result = run(OP.SPLIT_V, options, inputs, [array], [dtype] * len(sizes))
    assert [part.shape[1] for part in result] == sizes
    np.testing.assert_array_equal(np.concatenate(result, 1), array)


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), seed=SEEDS, data=st.data())
def test_tile_is_numpys(
    shape: tuple[int, ...], dtype: type, seed: int, data: st.DataObject
) -> None:
    array = values(shape, dtype, seed)
    times = [data.draw(st.integers(1, 3)) for _ in shape]
    fed = [TensorDef(shape, dtype), constant(times, np.int32)]
    (result,) = native(single_op_model(OP.TILE, None, fed, [TensorDef((1,), dtype)]), [array])
    np.testing.assert_array_equal(result, np.tile(array, times))


@given(shape=SHAPES, dtype=st.sampled_from([np.float32, np.int32, np.int8]), seed=SEEDS)
def test_broadcast_to_repeats_dimensions_of_one(
    shape: tuple[int, ...], dtype: type, seed: int
) -> None:
    narrow = tuple(1 if d % 2 else size for d, size in enumerate(shape))
    array = values(narrow, dtype, seed)
    wide = (2, *shape)
    result = moved(OP.BROADCAST_TO, None, array, constant(wide, np.int32))
    np.testing.assert_array_equal(result, np.broadcast_to(array, wide))


def test_fill_repeats_one_value() -> None:
    inputs = [constant([2, 3], np.int32), TensorDef(())]
    model = single_op_model(OP.FILL, None, inputs, [TensorDef((2, 3))])
    (result,) = native(model, [np.array(2.5, np.float32)])
    np.testing.assert_array_equal(result, np.full((2, 3), 2.5, np.float32))


@given(
    block=st.integers(1, 3), h=SIZES, w=SIZES, c=SIZES, dtype=st.sampled_from([np.float32, np.int8])
)
def test_space_and_depth_are_each_others_inverse(
    block: int, h: int, w: int, c: int, dtype: type
) -> None:
    array = values((2, h * block, w * block, c), dtype, h)
    options = schema.SpaceToDepthOptionsT()
    options.blockSize = block
    deep = moved(OP.SPACE_TO_DEPTH, options, array)
    back = schema.DepthToSpaceOptionsT()
    back.blockSize = block
    np.testing.assert_array_equal(moved(OP.DEPTH_TO_SPACE, back, deep), array)


@given(block=st.tuples(SIZES, st.integers(1, 3)), h=SIZES, w=SIZES, data=st.data())
def test_space_to_batch_is_litert(
    block: tuple[int, int], h: int, w: int, data: st.DataObject
) -> None:
    pads = []
    for size, b in zip((h, w), block, strict=True):
        before = data.draw(st.integers(0, 4))
        pads.append([before, -(size + before) % b + b * data.draw(st.integers(0, 1))])
    array = values((2, h, w, 3), np.float32, h)
    lists = [constant(block, np.int32), constant(pads, np.int32)]
    apart = moved(OP.SPACE_TO_BATCH_ND, None, array, *lists)
    together = moved(OP.BATCH_TO_SPACE_ND, None, apart, *lists)
    np.testing.assert_array_equal(together, array)


def test_the_padding_of_a_quantized_space_to_batch_is_its_zero_point() -> None:
    array = values((1, 3, 3, 2), np.int8, 0)
    quant: dict[str, Any] = {"scale": (0.5,), "zero_point": (-7,)}
    inputs = [
        TensorDef(array.shape, np.int8, **quant),
        constant([2, 2], np.int32),
        constant([[1, 0], [0, 1]], np.int32),
    ]
    model = single_op_model(
        OP.SPACE_TO_BATCH_ND, None, inputs, [TensorDef((4, 2, 2, 2), np.int8, **quant)]
    )
    (ours,), (theirs,) = native(model, [array]), litert(model, [array])
    np.testing.assert_array_equal(ours, theirs)


@given(shape=SHAPES, index=st.lists(SIZES, max_size=2), data=st.data(), seed=SEEDS)
def test_gather_takes_rows_along_an_axis(
    shape: tuple[int, ...], index: list[int], data: st.DataObject, seed: int
) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    array = values(shape, np.float32, seed)
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, shape[axis], index).astype(data.draw(st.sampled_from(["i4", "i8"])))
    options = schema.GatherOptionsT()
    options.axis = axis
    inputs = [TensorDef(shape), TensorDef(rows.shape, rows.dtype)]
    (result,) = run(OP.GATHER, options, inputs, [array, rows], [np.float32])
    np.testing.assert_array_equal(result, np.take(array, rows, axis))


def test_gather_with_batch_dimensions_takes_rows_of_each_batch() -> None:
    array = values((2, 3, 4, 5), np.float32, 0)
    rows = np.array([[3, 0, 1], [2, 2, 0]], np.int32)
    options = schema.GatherOptionsT()
    options.axis, options.batchDims = 2, 1
    inputs = [TensorDef(array.shape), TensorDef(rows.shape, np.int32)]
    (result,) = run(OP.GATHER, options, inputs, [array, rows], [np.float32])
    expected = np.stack([np.take(array[b], rows[b], 1) for b in range(2)])
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("row", [-1, 4, 2**31 - 1])
def test_gather_refuses_an_index_that_is_out_of_range(row: int) -> None:
    inputs = [TensorDef((4, 2)), TensorDef((1,), np.int32)]
    options = schema.GatherOptionsT()
    model = single_op_model(OP.GATHER, options, inputs, [TensorDef((1, 2))])
    with pytest.raises(ModelError, match=rf"index {row} is outside \[0, 4\)"):
        native(model, [values((4, 2), np.float32, 0), np.array([row], np.int32)])


@given(depth=st.integers(1, 3), seed=SEEDS)
def test_gather_nd_takes_slices_by_coordinates(depth: int, seed: int) -> None:
    shape = (3, 4, 2)
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.integers(0, shape[d], (2, 3)) for d in range(depth)], -1).astype(np.int32)
    array = values(shape, np.float32, seed)
    inputs = [TensorDef(shape), TensorDef(rows.shape, np.int32)]
    (result,) = run(OP.GATHER_ND, None, inputs, [array, rows], [np.float32])
    np.testing.assert_array_equal(result, array[tuple(np.moveaxis(rows, -1, 0))])


def test_embedding_lookup_scales_an_int8_table() -> None:
    table = values((6, 4), np.int8, 0)
    inputs = [TensorDef((3,), np.int32), constant(table, scale=(0.25,))]
    model = single_op_model(OP.EMBEDDING_LOOKUP, None, inputs, [TensorDef((3, 4))])
    (result,) = native(model, [np.array([5, 0, 2], np.int32)])
    np.testing.assert_array_equal(result, table[[5, 0, 2]].astype(np.float32) * 0.25)


@given(shape=SHAPES, data=st.data(), seed=SEEDS)
def test_arg_max_and_arg_min_name_the_first_extreme(
    shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    dtype = data.draw(st.sampled_from([np.float32, np.int8, np.uint8, np.int32]))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    index = data.draw(st.sampled_from([np.int32, np.int64]))
    array = np.round(values(shape, dtype, seed) / 3).astype(dtype)
    for op, options, reference in (
        (OP.ARG_MAX, schema.ArgMaxOptionsT(), np.argmax),
        (OP.ARG_MIN, schema.ArgMinOptionsT(), np.argmin),
    ):
        options.outputType = schema.TensorType.INT32 if index is np.int32 else 4
        inputs = [TensorDef(shape, dtype), constant(axis, np.int32)]
        (result,) = run(op, options, inputs, [array], [index])
        np.testing.assert_array_equal(result, reference(array, axis))


@given(
    shape=SHAPES,
    axis=st.integers(-1, 1),
    depth=st.integers(1, 6),
    dtype=st.sampled_from([np.float32, np.int32, np.int8, np.bool_]),
    seed=SEEDS,
)
def test_one_hot_has_one_value_on(
    shape: tuple[int, ...], axis: int, depth: int, dtype: type, seed: int
) -> None:
    indices = np.random.default_rng(seed).integers(-1, depth + 1, shape).astype(np.int32)
    options = schema.OneHotOptionsT()
    options.axis = axis
    on_off = [constant(np.array(1, dtype)), constant(np.array(0, dtype))]
    inputs = [TensorDef(shape, np.int32), constant(depth, np.int32), *on_off]
    run(OP.ONE_HOT, options, inputs, [indices], [dtype])


COMPARISONS = {
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
}


@pytest.mark.parametrize("name", COMPARISONS)
@given(
    shape=SHAPES,
    dtype=st.sampled_from([np.float32, np.int32, np.int64]),
    data=st.data(),
    seed=SEEDS,
)
def test_comparisons_broadcast_as_numpy_does(
    name: str, shape: tuple[int, ...], dtype: type, data: st.DataObject, seed: int
) -> None:
    other = tuple(1 if data.draw(st.booleans()) else size for size in shape)
    other = other[data.draw(st.integers(0, len(shape) - 1)) :]
    a: Array = np.round(values(shape, dtype, seed)).astype(dtype)
    b: Array = np.round(values(other, dtype, seed + 1)).astype(dtype)
    inputs = [TensorDef(shape, dtype), TensorDef(other, dtype)]
    (result,) = run(getattr(OP, name), None, inputs, [a, b], [np.bool_])
    np.testing.assert_array_equal(result, COMPARISONS[name](a, b))


def test_quantized_comparison_is_of_real_values() -> None:
    a, b = values((5, 7), np.int8, 0), values((5, 7), np.int8, 1)
    inputs = [
        TensorDef(a.shape, np.int8, scale=(0.5,), zero_point=(3,)),
        TensorDef(b.shape, np.int8, scale=(0.25,), zero_point=(-9,)),
    ]
    model = single_op_model(OP.LESS, None, inputs, [TensorDef(a.shape, np.bool_)])
    (result,) = native(model, [a, b])
    np.testing.assert_array_equal(result, 0.5 * (a - 3.0) < 0.25 * (b + 9.0))


@given(shape=SHAPES, seed=SEEDS)
def test_logical_operators_are_numpys(shape: tuple[int, ...], seed: int) -> None:
    a, b = values(shape, np.bool_, seed), values(shape[-1:], np.bool_, seed + 1)
    inputs = [TensorDef(shape, np.bool_), TensorDef(shape[-1:], np.bool_)]
    for op, options, reference in (
        (OP.LOGICAL_AND, schema.LogicalAndOptionsT(), np.logical_and),
        (OP.LOGICAL_OR, schema.LogicalOrOptionsT(), np.logical_or),
    ):
        (result,) = run(op, options, inputs, [a, b], [np.bool_])
        np.testing.assert_array_equal(result, reference(a, b))
    (inverse,) = run(OP.LOGICAL_NOT, None, inputs[:1], [a], [np.bool_])
    np.testing.assert_array_equal(inverse, ~a)


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), data=st.data(), seed=SEEDS)
def test_select_v2_broadcasts_all_three(
    shape: tuple[int, ...], dtype: type, data: st.DataObject, seed: int
) -> None:
    shapes = [
        tuple(1 if data.draw(st.booleans()) else size for size in shape)[
            data.draw(st.integers(0, len(shape) - 1)) :
        ]
        for _ in range(3)
    ]
    condition = values(shapes[0], np.bool_, seed)
    a, b = values(shapes[1], dtype, seed + 1), values(shapes[2], dtype, seed + 2)
    inputs = [TensorDef(c.shape, c.dtype) for c in (condition, a, b)]
    model = single_op_model(OP.SELECT_V2, None, inputs, [TensorDef(shape, dtype)])
    (result,) = native(model, [condition, a, b])
    np.testing.assert_array_equal(result, np.where(condition, a, b))


def test_select_with_a_vector_chooses_rows() -> None:
    a, b = values((3, 2, 4), np.float32, 0), values((3, 2, 4), np.float32, 1)
    condition = np.array([True, False, True])
    inputs = [TensorDef((3,), np.bool_), TensorDef(a.shape), TensorDef(b.shape)]
    (result,) = run(OP.SELECT, None, inputs, [condition, a, b], [np.float32])
    np.testing.assert_array_equal(result, np.where(condition[:, None, None], a, b))


CASTS = (np.float32, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_)


@pytest.mark.parametrize("target", CASTS)
@pytest.mark.parametrize("source", CASTS)
def test_cast_converts_what_fits_as_numpy_does(source: type, target: type) -> None:
    array: Array = np.array([0, 1, 2, 100, 127], source)
    fed = [TensorDef(array.shape, source)]
    (result,) = run(OP.CAST, schema.CastOptionsT(), fed, [array], [target])
    np.testing.assert_array_equal(result, array.astype(target))


def test_cast_of_floats_that_do_not_fit_saturates() -> None:
    array = np.array([np.nan, np.inf, -np.inf, 1e20, -1.9, 2.9], np.float32)
    model = single_op_model(
        OP.CAST, schema.CastOptionsT(), [TensorDef((6,))], [TensorDef((6,), np.int32)]
    )
    (result,) = native(model, [array])
    low, high = np.iinfo(np.int32).min, np.iinfo(np.int32).max
    np.testing.assert_array_equal(result, [0, high, low, high, -1, 2])


@given(shape=SHAPES, exclusive=st.booleans(), reverse=st.booleans(), data=st.data(), seed=SEEDS)
def test_cumsum_is_litert(
    shape: tuple[int, ...], exclusive: bool, reverse: bool, data: st.DataObject, seed: int
) -> None:
    dtype = data.draw(st.sampled_from([np.float32, np.int32, np.int64]))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    options = schema.CumsumOptionsT()
    options.exclusive, options.reverse = exclusive, reverse
    moved(OP.CUMSUM, options, values(shape, dtype, seed), constant(axis, np.int32))


@given(rows=SIZES, length=st.integers(1, 40), data=st.data(), seed=SEEDS)
def test_top_k_is_sorted_and_stable(rows: int, length: int, data: st.DataObject, seed: int) -> None:
    dtype = data.draw(st.sampled_from([np.float32, np.int8, np.int32]))
    k = data.draw(st.integers(1, length))
    array = np.round(values((rows, length), dtype, seed) * 2).astype(dtype)
    inputs = [TensorDef(array.shape, dtype), constant(k, np.int32)]
    _, indices = run(OP.TOPK_V2, None, inputs, [array], [dtype, np.int32])
    order = np.argsort(-array.astype(np.float64), 1, kind="stable")[:, :k]
    np.testing.assert_array_equal(indices, order)


@given(shape=SHAPES, data=st.data(), seed=SEEDS)
def test_reduce_any_and_all_are_numpys(
    shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    keep = data.draw(st.booleans())
    array = values(shape, np.bool_, seed)
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    for op, reference in ((OP.REDUCE_ANY, np.any), (OP.REDUCE_ALL, np.all)):
        result = moved(op, options, array, constant(axes, np.int32))
        np.testing.assert_array_equal(result, reference(array, tuple(axes), keepdims=keep))


@pytest.mark.parametrize(("start", "limit", "step"), [(0, 5, 1), (7, -3, -2), (1, 2, 5)])
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32])
def test_range_counts_from_constants(dtype: type, start: int, limit: int, step: int) -> None:
    inputs = [constant(n, dtype) for n in (start, limit, step)]
    model = single_op_model(OP.RANGE, None, inputs, [TensorDef((1,), dtype)])
    (result,) = native(model, [])
    np.testing.assert_array_equal(result, np.arange(start, limit, step).astype(dtype))


@given(shape=SHAPES)
def test_shape_and_rank_are_those_of_the_input(shape: tuple[int, ...]) -> None:
    array = values(shape, np.float32, 0)
    options = schema.ShapeOptionsT()
    options.outType = schema.TensorType.INT32
    (result,) = run(OP.SHAPE, options, [TensorDef(shape)], [array], [np.int32])
    np.testing.assert_array_equal(result, shape)
    (rank,) = run(OP.RANK, None, [TensorDef(shape)], [array], [np.int32])
    assert rank == len(shape)


def test_reshape_keeps_the_elements_and_finds_the_missing_dimension() -> None:
    array = values((2, 3, 4), np.int16, 0)
    result = moved(OP.RESHAPE, None, array, constant([4, -1], np.int32))
    np.testing.assert_array_equal(result, array.reshape(4, 6))
    options = schema.SqueezeOptionsT()
    options.squeezeDims = [1]
    flat = moved(OP.SQUEEZE, options, values((2, 1, 1, 3), np.int8, 0))
    assert flat.shape == (2, 1, 3)
    wide = moved(OP.EXPAND_DIMS, None, array, constant(-2, np.int32))
    assert wide.shape == (2, 3, 1, 4)


@pytest.mark.parametrize("shape", [[5, 5], [-1, 5], [-1, -1], [0, 24]])
def test_a_reshape_that_does_not_fit_is_refused(shape: list[int]) -> None:
    inputs = [TensorDef((2, 3, 4)), constant(shape, np.int32)]
    model = single_op_model(OP.RESHAPE, None, inputs, [TensorDef((24,))])
    with pytest.raises(ModelError, match="new shape"):
        native(model, [values((2, 3, 4), np.float32, 0)])
