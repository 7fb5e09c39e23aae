"""Operators that move values or compute with sizes, as torch expressions."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor
from torch.nn import functional

from edgesdk_quant.graph import value_shape
from edgesdk_quant.torch_graph.call import Call, Expressions, Operands, Result, numbers, torch_pads
from edgesdk_runtimes.errors import UnsupportedError

REDUCTIONS = {"add": "sum", "mul": "prod", "min": "amin", "max": "amax"}
CAST = {int(ir.DataType.FLOAT): torch.float32, int(ir.DataType.BOOL): torch.bool}


def _reshape(call: Call, x: Operands) -> Result:
    shape = [int(size) for size in numbers(call, x, 1) or []]
    sizes = [x[0].shape[i] if size == 0 else size for i, size in enumerate(shape)]
    if sizes and sizes[0] > 0 and shape[0] != 0:
        sizes[0] *= _samples(call, x[0], sizes[0])
    return x[0].reshape(sizes)


def _samples(call: Call, x: Tensor, target: int) -> int:
    """How many times the samples that the graph was made for are in the first dimension."""
    declared = value_shape(call.node.inputs[0])
    if declared is None:
        return x.shape[0] if target == 1 else 1
    return x.shape[0] // declared[0] if declared and declared[0] else 1


def _flatten(call: Call, x: Operands) -> Result:
    axis = call.number("axis", 1)
    return x[0].reshape(math.prod(x[0].shape[:axis]), -1)


def _transpose(call: Call, x: Operands) -> Result:
    return x[0].permute(call.ints("perm", list(reversed(range(x[0].ndim)))))


def _squeeze(call: Call, x: Operands) -> Result:
    axes = call.constant(1)
    return x[0].squeeze() if axes is None else x[0].squeeze([int(a) for a in axes])


def _unsqueeze(call: Call, x: Operands) -> Result:
    axes = call.constant(1) or []
    rank = x[0].ndim + len(axes)
    for axis in sorted(int(a) % rank for a in axes):
        x = [x[0].unsqueeze(axis)]
    y: Tensor = x[0]
    return y


def _pad(call: Call, x: Operands) -> Result:
    pads = [int(p) for p in call.constant(1) or []]
    fill = (call.constant(2) or [0.0])[0]
    return functional.pad(x[0], torch_pads(pads), value=fill)


def _slice(call: Call, x: Operands) -> Result:
    starts, ends = numbers(call, x, 1) or [], numbers(call, x, 2) or []
    axes = numbers(call, x, 3) or list(range(len(starts)))
    steps = numbers(call, x, 4) or [1] * len(starts)
    y: Tensor = x[0]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        places = range(*slice(int(start), int(end), int(step)).indices(y.shape[int(axis)]))
        y = y.index_select(int(axis), torch.tensor(places))
    return y


def _shape(call: Call, x: Operands) -> Result:
    first, end = call.number("start", 0), call.number("end", None)
    return torch.tensor(x[0].shape[first:end])


def _expand(call: Call, x: Operands) -> Result:
    sizes = [int(size) for size in numbers(call, x, 1) or []]
    return x[0].expand(np.broadcast_shapes(tuple(x[0].shape), tuple(sizes)))


def _constant_of_shape(call: Call, x: Operands) -> Result:
    held = call.node.attributes.get_tensor("value")
    value = np.zeros(1, np.float32) if held is None else held.numpy()
    return torch.from_numpy(np.array(value)).expand([int(size) for size in x[0]])


def _cast(call: Call, x: Operands) -> Result:
    return x[0].to(CAST.get(call.number("to", 1), torch.int64))


def _gather(call: Call, x: Operands) -> Result:
    axis = call.number("axis", 0) % x[0].ndim
    places = x[1].long() % x[0].shape[axis]
    rows = x[0].index_select(axis, places.reshape(-1))
    return rows.reshape(*x[0].shape[:axis], *places.shape, *x[0].shape[axis + 1 :])


def _gather_nd(call: Call, x: Operands) -> Result:
    if call.number("batch_dims", 0):
        raise UnsupportedError(f"{call.node.name} gathers within batches, which torch does not.")
    return x[0][tuple(x[1].long().unbind(-1))]


def _gather_elements(call: Call, x: Operands) -> Result:
    axis = call.number("axis", 0)
    return torch.gather(x[0], axis, x[1].long() % x[0].shape[axis])


def _scatter_nd(call: Call, x: Operands) -> Result:
    """Rows of the first dimensions, as one, are replaced by others or reduced with them."""
    depth = x[1].shape[-1]
    sizes = list(x[0].shape[:depth])
    steps = [math.prod(sizes[i + 1 :]) for i in range(depth)]
    places = x[1].long() % torch.tensor(sizes) * torch.tensor(steps)
    where, rows = places.sum(-1).reshape(-1), x[0].reshape(math.prod(sizes), -1)
    new = x[2].reshape(where.numel(), -1)
    how = REDUCTIONS.get(call.number("reduction", "none"))
    if how is None:
        return rows.index_copy(0, where, new).reshape(x[0].shape)
    return rows.scatter_reduce(0, where[:, None].expand_as(new), new, how).reshape(x[0].shape)


def _split(call: Call, x: Operands) -> Result:
    axis, sizes = call.number("axis", 0), call.constant(1)
    if sizes is None:
        return list(torch.tensor_split(x[0], len(call.node.outputs), dim=axis))
    return list(torch.split(x[0], [int(s) for s in sizes], dim=axis))


MOVEMENT: Expressions = {
    "Cast": _cast,
    "Concat": lambda call, x: torch.cat(list(x), dim=call.number("axis", 0)),
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "Pad": _pad,
    "Range": lambda call, x: torch.arange(*(operand.item() for operand in x)),
    "Reshape": _reshape,
    "ScatterND": _scatter_nd,
    "Shape": _shape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": lambda call, x: x[0].repeat([int(n) for n in numbers(call, x, 1) or []]),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
