"""Operators that move values: Reshape, Transpose, Concat, Slice, Split, Gather, Pad, ..."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.movement import pad_amounts
from edgesdk.export.tflite.convolution import float_constant
from edgesdk.export.tflite.row_lookup import as_int32, is_table_of_rows, lower_row_lookup
from edgesdk.export.tflite.scope import Scope, readers
from edgesdk.export.tflite.tensors import Place, required, static_shape
from edgesdk_quant.graph import constant
from edgesdk_quant.graph.rewrite import input_at
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

DENSE = {"Gemm", "MatMul"}
IMAGE_RANK = 4


def _source(node: ir.Node) -> ir.Value:
    if not node.inputs or node.inputs[0] is None:
        raise UnsupportedError("it has no input")
    return node.inputs[0]


def _passes_integers(scope: Scope, node: ir.Node) -> bool:
    """Whether a node that only moves values moves stored integers, of one scale."""
    return scope.keeps_scale(node, node.inputs[: 1 if node.op_type != "Concat" else None])


def lower_reshape(scope: Scope, node: ir.Node) -> None:
    """Reshape, Flatten, Squeeze, Unsqueeze: the same values under another shape."""
    value, output = _source(node), node.outputs[0]
    integer = _passes_integers(scope, node)
    place = scope.place(value, integer=integer)
    shape = scope.out.shape(place.tensor)
    wanted = static_shape(output)
    source = static_shape(value)
    flattens = place.permutation[:1] == (0,) and wanted[:1] == source[:1]
    if not place.plain and flattens and _feeds_only_dense(output, wanted):
        order = np.arange(math.prod(source[1:])).reshape(source[1:])
        scope.feature_order[output] = order.transpose(
            [i - 1 for i in place.permutation[1:]]
        ).ravel()
        tensor = place.tensor
    elif not place.plain and (orders := _regrouped(source, wanted, place.permutation)):
        tensor = scope.arranged(value, place, orders[0])
        scope.reshape(tensor, scope.result(output, orders[1], integer=integer))
        return
    else:
        tensor = scope.arranged(value, place, tuple(range(len(shape))))
    if math.prod(shape) != math.prod(wanted):
        raise UnsupportedError(f"{list(shape)} cannot be reshaped to {list(wanted)}")
    result = scope.result(output, integer=integer)
    scope.reshape(tensor, result)


def _regrouped(
    source: tuple[int, ...], wanted: tuple[int, ...], permutation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """In which orders of dimensions a Reshape of an image is one of bytes; None: in plain ones.

    Channels that are cut into groups, or joined again, stay innermost.
    """
    groups = _groups(source, wanted) if min(len(source), len(wanted)) >= IMAGE_RANK else []
    if not groups:
        return None
    groups.sort(key=lambda group: min(map(permutation.index, group[0])))
    before, after = ([dim for group in groups for dim in group[i]] for i in range(2))
    return tuple(before), tuple(after)


def _groups(source: tuple[int, ...], wanted: tuple[int, ...]) -> list[tuple[range, range]]:
    """Neighbouring dimensions and those of as many elements that they become; [] if not all do."""
    groups: list[tuple[range, range]] = []
    i = j = 0
    while i < len(source) and j < len(wanted):
        m, n = i + 1, j + 1
        while (have := math.prod(source[i:m])) != (want := math.prod(wanted[j:n])):
            if max(m, n) > max(len(source), len(wanted)):
                return []
            m, n = (m + 1, n) if have < want else (m, n + 1)
        groups.append((range(i, m), range(j, n)))
        i, j = m, n
    return groups if i == len(source) and j == len(wanted) else []


def _feeds_only_dense(output: ir.Value, wanted: tuple[int, ...]) -> bool:
    """Whether every reader has constant weights, whose columns can be reordered.

    Not those in blocks, whose neighbours share a scale.
    """
    users = readers(output)
    return (
        len(wanted) == 2
        and bool(users)
        and not output.is_graph_output()
        and all(_has_movable_columns(user) for user in users)
    )


def _has_movable_columns(node: ir.Node) -> bool:
    if node.op_type not in DENSE or node.inputs[1] is None:
        return False
    producer = node.inputs[1].producer()
    if producer is None:
        return constant(node.inputs[1]) is not None
    in_blocks = producer.attributes.get_int("block_size", 0) > 0
    return not in_blocks and constant(producer.inputs[0]) is not None


def lower_transpose(scope: Scope, node: ir.Node) -> None:
    """Transpose: often nothing but another view of the same tensor."""
    value = _source(node)
    integer = _passes_integers(scope, node)
    place = scope.place(value, integer=integer)
    rank = len(place.permutation)
    perm = node.attributes.get_ints("perm", list(reversed(range(rank))))
    # Dimension j of the output is dimension perm[j] of the input: rename the tensor's dimensions.
    renamed = tuple(list(perm).index(dim) for dim in place.permutation)
    output = node.outputs[0]
    view = Place(place.tensor, renamed)
    in_groups = rank > IMAGE_RANK and not output.is_graph_output()  # joined again, as a rule
    if integer or view.plain or in_groups:
        scope.alias(output, view, integer=integer)
        return
    shape = static_shape(output)
    tensor = scope.arranged(output, view, tuple(range(rank)))
    if scope.out.shape(tensor) != shape:
        raise UnsupportedError("its shape is not known before the run")
    scope.places[output] = Place(tensor, tuple(range(rank)))


def lower_concat(scope: Scope, node: ir.Node) -> None:
    """Concat along the same real dimension, in the layout of the first image among the inputs."""
    values = [value for value in node.inputs if value is not None]
    integer = _passes_integers(scope, node)
    rank = len(static_shape(node.outputs[0]))
    places = [scope.place(value, integer=integer) for value in values]
    order = next((p.permutation for p in places if not p.plain), tuple(range(rank)))
    operands = [scope.arranged(v, p, order) for v, p in zip(values, places, strict=True)]
    axis = order.index(node.attributes.get_int("axis", 0) % rank)
    result = scope.result(node.outputs[0], order, integer=integer)
    scope.out.emit("CONCATENATION", operands, [result], axis=axis, fused_activation_function="NONE")


def lower_split(scope: Scope, node: ir.Node) -> None:
    """Split -> SPLIT_V with explicit sizes, or SPLIT where they are equal."""
    value = _source(node)
    integer = _passes_integers(scope, node)
    place = scope.place(value, integer=integer)
    axis = node.attributes.get_int("axis", 0) % len(place.permutation)
    at = place.permutation.index(axis)
    sizes = [static_shape(output)[axis] for output in node.outputs]
    results = [scope.result(output, place.permutation, integer=integer) for output in node.outputs]
    dim = scope.out.constant(f"{node.name}_axis", np.array(at, np.int32))
    if len(set(sizes)) == 1:
        scope.out.emit("SPLIT", [dim, place.tensor], results, num_splits=len(results))
        return
    amounts = scope.out.constant(f"{node.name}_sizes", np.array(sizes, np.int32))
    scope.out.emit("SPLIT_V", [place.tensor, amounts, dim], results, num_splits=len(results))


def lower_slice(scope: Scope, node: ir.Node) -> None:
    """Slice with constant bounds -> STRIDED_SLICE."""
    value = _source(node)
    integer = _passes_integers(scope, node)
    place = scope.place(value, integer=integer)
    shape = static_shape(value)
    begin, end, step = [0] * len(shape), list(shape), [1] * len(shape)
    for axis, first, last, stride in _slice_bounds(node, len(shape)):
        start, stop, _ = slice(first, last, stride).indices(shape[axis])
        begin[axis], end[axis], step[axis] = start, stop, stride
    end_mask = sum(1 << i for i, dim in enumerate(place.permutation) if end[dim] < 0)
    rows = [[row[dim] for dim in place.permutation] for row in (begin, end, step)]
    names = ("begin", "end", "strides")
    operands = [
        scope.out.constant(f"{node.name}_{name}", np.array(row, np.int32))
        for name, row in zip(names, rows, strict=True)
    ]
    result = scope.result(node.outputs[0], place.permutation, integer=integer)
    scope.out.emit(
        "STRIDED_SLICE",
        [place.tensor, *operands],
        [result],
        begin_mask=0,
        end_mask=end_mask,
        ellipsis_mask=0,
        new_axis_mask=0,
        shrink_axis_mask=0,
    )


def _slice_bounds(node: ir.Node, rank: int) -> list[tuple[int, int, int, int]]:
    """(axis, start, end, step) for each sliced axis."""
    starts = required(node.inputs[1], "start").ravel().tolist()
    ends = required(node.inputs[2], "end").ravel().tolist()
    optional = [*node.inputs[3:5], None, None][:2]
    axes = constant(optional[0]) if optional[0] is not None else None
    steps = constant(optional[1]) if optional[1] is not None else None
    axis_list = list(range(len(starts))) if axes is None else axes.ravel().tolist()
    step_list = [1] * len(starts) if steps is None else steps.ravel().tolist()
    rows = zip(axis_list, starts, ends, step_list, strict=True)
    return [(int(a) % rank, int(s), int(e), int(t)) for a, s, e, t in rows]


def lower_gather(scope: Scope, node: ir.Node) -> None:
    """Gather along one axis; an int8 table of floats goes through DEQUANTIZE after the lookup."""
    data, indices = node.inputs[0], node.inputs[1]
    if data is None or indices is None:
        raise UnsupportedError("an operand is left out")
    if is_table_of_rows(scope, node):
        lower_row_lookup(scope, node)
        return
    integer = _passes_integers(scope, node)
    table = (
        scope.place(data, integer=True)
        if scope.is_quantized(data)
        else scope.place(data, integer=False)
    )
    axis = node.attributes.get_int("axis", 0) % len(table.permutation)
    picked = scope.tensor(indices, integer=False)
    picked = as_int32(scope, picked)
    source = scope.arranged(data, table, tuple(range(len(table.permutation))))
    options = {"axis": axis, "batch_dims": 0}
    if integer or not scope.is_quantized(data):
        result = scope.result(node.outputs[0], integer=integer)
        scope.out.emit("GATHER", [source, picked], [result], **options)
        return
    rows = scope.out.like(f"{node.outputs[0].name}_rows", source, static_shape(node.outputs[0]))
    scope.out.emit("GATHER", [source, picked], [rows], **options)
    scope.out.emit("DEQUANTIZE", [rows], [scope.result(node.outputs[0], integer=False)])


def lower_pad(scope: Scope, node: ir.Node) -> None:
    """Pad with a constant, or by reflection."""
    value, amounts = _source(node), pad_amounts(node)
    if amounts is None:
        raise UnsupportedError("the amount of padding is computed at run time")
    mode, fill = node.attributes.get_string("mode", "constant"), _fill(scope, node)
    integer = _passes_integers(scope, node) and (mode == "reflect" or not fill.any())
    place = scope.place(value, integer=integer)
    order = list(place.permutation)
    pads = scope.out.constant(f"{node.name}_pads", amounts[order].astype(np.int32))
    result = scope.result(node.outputs[0], order, integer=integer)
    if mode == "reflect":
        scope.out.emit("MIRROR_PAD", [place.tensor, pads], [result], mode="REFLECT")
    elif fill.any():
        border = scope.out.constant(f"{node.name}_value", fill)
        scope.out.emit("PADV2", [place.tensor, pads, border], [result])
    else:
        scope.out.emit("PAD", [place.tensor, pads], [result])


def _fill(scope: Scope, node: ir.Node) -> Array:
    """The value of the border, [1] of the type of the data."""
    given, data = input_at(node, 2), _source(node)
    if given is None:
        return np.zeros(1, np.float32)
    if scope.is_quantized(given):
        return float_constant(scope, given).reshape(1)
    fill = required(given, "the value of the border").reshape(1)
    return fill.astype((data.dtype or ir.DataType.FLOAT).numpy())


def lower_expand(scope: Scope, node: ir.Node) -> None:
    """Expand to a known shape -> BROADCAST_TO."""
    shape = static_shape(node.outputs[0])
    _repeat(scope, node, "BROADCAST_TO", np.array(shape, np.int32))


def lower_tile(scope: Scope, node: ir.Node) -> None:
    """Tile by constant counts."""
    counts = required(node.inputs[1], "the number of repetitions")
    _repeat(scope, node, "TILE", counts.astype(np.int32))


def _repeat(scope: Scope, node: ir.Node, code: str, sizes: Array) -> None:
    integer = _passes_integers(scope, node)
    tensor = scope.tensor(_source(node), integer=integer)
    operand = scope.out.constant(f"{node.name}_sizes", sizes)
    result = scope.result(node.outputs[0], integer=integer)
    scope.out.emit(code, [tensor, operand], [result])


LOWERINGS = {
    "Concat": lower_concat,
    "Expand": lower_expand,
    "Flatten": lower_reshape,
    "Gather": lower_gather,
    "Pad": lower_pad,
    "Reshape": lower_reshape,
    "Slice": lower_slice,
    "Split": lower_split,
    "Squeeze": lower_reshape,
    "Tile": lower_tile,
    "Transpose": lower_transpose,
    "Unsqueeze": lower_reshape,
}
