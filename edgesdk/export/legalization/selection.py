"""Operators that pick or place values by index."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, scalar, static_shape
from edgesdk_quant.graph.rewrite import input_at
from edgesdk_runtimes.errors import UnsupportedError


def rewrite_arg_last(write: Composer, node: ir.Node) -> bool:
    """The last of equal values is the first one seen from the end."""
    shape = static_shape(node.inputs[0])
    if not node.attributes.get_int("select_last_index", 0) or shape is None:
        return False
    axis = node.attributes.get_int("axis", 0) % len(shape)
    mirrored = write("Slice", node.inputs[0], [-1], [-(shape[axis] + 1)], [axis], [-1])
    keep = node.attributes.get_int("keepdims", 1)
    found = write(node.op_type, mirrored, axis=axis, keepdims=keep)
    write.replace(write("Sub", np.array(shape[axis] - 1), found))
    return True


def rewrite_one_hot(write: Composer, node: ir.Node) -> bool:
    """Compare each index with 0, 1, ... depth - 1; negative ones count from the end."""
    depth, shape = scalar(node.inputs[1]), static_shape(node.inputs[0])
    if depth is None or shape is None:
        return False
    rank = len(shape) + 1
    axis = node.attributes.get_int("axis", -1) % rank
    column = np.arange(int(depth)).reshape([-1] + [1] * (rank - 1 - axis))
    indices = write("Unsqueeze", write("Cast", node.inputs[0], to=int(ir.DataType.INT64)), [axis])
    wrapped = from_start(write, indices, int(depth))
    off, on = (
        write("Squeeze", write("Slice", node.inputs[2], [i], [i + 1], [0]), [0]) for i in (0, 1)
    )
    write.replace(write("Where", write("Equal", wrapped, column), on, off))
    return True


def from_start(write: Composer, indices: ir.Value | None, size: int) -> ir.Value:
    """Indices with negative ones counted from the end, int64."""
    shifted = write("Add", indices, np.array(size))
    return write("Where", write("Less", indices, np.array(0)), shifted, indices)


def rewrite_gather_elements(write: Composer, node: ir.Node) -> bool:
    """GatherElements: a Gather from the flattened data."""
    shape, picked = static_shape(node.inputs[0]), static_shape(node.inputs[1])
    if shape is None or picked is None or not picked:
        return False
    axis = node.attributes.get_int("axis", 0) % len(shape)
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    own = np.indices(picked)
    base = sum(own[i] * strides[i] for i in range(len(shape)) if i != axis)
    indices = write("Cast", node.inputs[1], to=int(ir.DataType.INT64))
    along = write("Mul", from_start(write, indices, shape[axis]), np.array(strides[axis]))
    flat = write("Add", along, np.asarray(base, np.int64))
    write.replace(write("Gather", write("Reshape", node.inputs[0], [-1]), flat, axis=0))
    return True


def rewrite_top_k(write: Composer, node: ir.Node) -> bool:
    """TOPK_V2 finds the largest along the last dimension."""
    shape = static_shape(node.inputs[0])
    if shape is None:
        return False
    last = len(shape) - 1
    axis = node.attributes.get_int("axis", -1) % len(shape)
    largest = node.attributes.get_int("largest", 1)
    if axis == last and largest:
        return False
    order = [*(i for i in range(len(shape)) if i != axis), axis]
    x = write("Transpose", node.inputs[0], perm=order)
    found = write.several(
        "TopK", x if largest else write("Neg", x), node.inputs[1], outputs=2, axis=last
    )
    values = found[0] if largest else write("Neg", found[0])
    back = [int(i) for i in np.argsort(order)]
    write.replace(*(write("Transpose", value, perm=back) for value in (values, found[1])))
    return True


def rewrite_trilu(write: Composer, node: ir.Node) -> bool:
    """A constant mask chooses between the values and zero."""
    shape, offset, x = static_shape(node.inputs[0]), input_at(node, 1), node.inputs[0]
    k = 0 if offset is None else scalar(offset)
    if shape is None or k is None or x is None or x.dtype is None:
        return False
    keep = np.triu if node.attributes.get_int("upper", 1) else np.tril
    mask = keep(np.ones(shape[-2:], bool), int(k))
    write.replace(write("Where", mask, x, np.zeros((), x.dtype.numpy())))
    return True


def rewrite_size(write: Composer, node: ir.Node) -> bool:
    """The number of elements is known."""
    shape = static_shape(node.inputs[0])
    if shape is None:
        return False
    write.replace(write("Identity", np.array(math.prod(shape))))
    return True


def rewrite_range(write: Composer, node: ir.Node) -> bool:
    """A constant sequence."""
    bounds = [constant(value) for value in node.inputs]
    if any(bound is None for bound in bounds):
        raise UnsupportedError("its bounds are computed at run time")
    start, limit, delta = (np.asarray(bound).reshape(()) for bound in bounds)
    count = max(math.ceil((limit - start) / delta), 0)
    write.replace(write("Identity", np.asarray(start + np.arange(count) * delta, start.dtype)))
    return True


def rewrite_reverse_sequence(write: Composer, node: ir.Node) -> bool:
    """ReverseSequence of constant lengths: every element has its place."""
    shape, lengths = static_shape(node.inputs[0]), constant(node.inputs[1])
    if shape is None or lengths is None:
        raise UnsupportedError("its lengths are computed at run time")
    time, batch = (node.attributes.get_int(f"{n}_axis", d) for n, d in (("time", 0), ("batch", 1)))
    places = np.indices(shape)
    ends = lengths.astype(np.int64)[places[batch]]
    places[time] = np.where(places[time] < ends, ends - 1 - places[time], places[time])
    source = np.ravel_multi_index(tuple(places), shape)
    write.replace(write("Gather", write("Reshape", node.inputs[0], [-1]), source, axis=0))
    return True


def rewrite_eye_like(write: Composer, node: ir.Node) -> bool:
    """A constant matrix."""
    shape, x = static_shape(node.inputs[0]), node.inputs[0]
    if shape is None or x is None:
        return False
    kind = ir.DataType(node.attributes.get_int("dtype", int(x.dtype or ir.DataType.FLOAT)))
    rows, columns = shape
    eye = np.eye(rows, columns, node.attributes.get_int("k", 0), dtype=kind.numpy())
    write.replace(write("Identity", eye))
    return True


def rewrite_constant_of_shape(write: Composer, node: ir.Node) -> bool:
    """A constant of known shape."""
    sizes = constant(node.inputs[0])
    if sizes is None:
        raise UnsupportedError("its shape is computed at run time")
    given = node.attributes.get_tensor("value", None)
    fill = np.zeros(1, np.float32) if given is None else given.numpy()
    write.replace(write("Identity", np.full([int(n) for n in sizes], fill.reshape(-1)[0])))
    return True


def rewrite_gather_nd(write: Composer, node: ir.Node) -> bool:
    """Constant indices are counted from the start."""
    indices, shape = constant(node.inputs[1]), static_shape(node.inputs[0])
    if indices is None or shape is None or np.asarray(indices).min(initial=0) >= 0:
        return False
    sizes = np.array(shape[: indices.shape[-1]])
    write.replace(write("GatherND", node.inputs[0], np.asarray(indices, np.int64) % sizes))
    return True


RULES = {
    "ArgMax": rewrite_arg_last,
    "ArgMin": rewrite_arg_last,
    "ConstantOfShape": rewrite_constant_of_shape,
    "EyeLike": rewrite_eye_like,
    "GatherElements": rewrite_gather_elements,
    "GatherND": rewrite_gather_nd,
    "OneHot": rewrite_one_hot,
    "Range": rewrite_range,
    "ReverseSequence": rewrite_reverse_sequence,
    "Size": rewrite_size,
    "TopK": rewrite_top_k,
    "Trilu": rewrite_trilu,
}
