"""Tables of stored integers: Gather in front of DequantizeLinear, so that only rows are unpacked.

ONNX Runtime dequantizes the whole table at each run where Gather reads a DequantizeLinear. In files
the rows are gathered as stored, and their scales beside them. Its Gather takes no int4: such a
table is uint8 with two values a byte, the first half of a row in the low nibbles.

    DequantizeLinear(table, scale) -> Gather(., ids)
    <-> DequantizeLinear(Gather(table, ids), Gather(scale, ids))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.passes import common

from edgesdk_quant.graph.rewrite import graph_of, input_at, made_by
from edgesdk_quant.graph.values import (
    constant,
    consumers,
    new_initializer,
    unique_name,
    value_names,
)

NIBBLE, SHIFT, OFFSET = 15, 4, 8
LAST = -1
SCALES = "scales"  # ending of the name of their table; the rest is the name of the real table


@dataclass(frozen=True)
class _Rows:
    """A table and how its rows are stored: scale [rows, width / block]."""

    stored: NDArray[np.generic]
    scale: NDArray[np.float32]
    block: int


def gather_before_dequantizing(model: ir.Model) -> None:
    """Write lookups in symmetric 8- and 4-bit tables as lookups of stored rows, in place."""
    for node in [n for n in model.graph if n.op_type == "Gather"]:
        rows = _table(node)
        if rows is not None and _can_be_gathered(rows):
            _gather_stored(node, rows)
    common.RemoveUnusedNodesPass()(model)


def dequantize_before_gathering(model: ir.Model) -> None:
    """The inverse: the form that has one constant table, in place."""
    for node in [n for n in model.graph if n.op_type == "DequantizeLinear"]:
        rows, ids = _gathered(node)
        if rows is not None and ids is not None:
            _gather_real(node, rows, ids)


# --- to stored rows ------------------------------------------------------------------------------


def _table(gather: ir.Node) -> _Rows | None:
    node = made_by(gather.inputs[0], "DequantizeLinear")
    if node is None or gather.attributes.get_int("axis", 0) != 0:
        return None
    if len(consumers(node.outputs[0])) > 1:  # the table is needed as a whole
        return None
    stored, scale = constant(node.inputs[0]), constant(node.inputs[1])
    zero = constant(input_at(node, 2))
    if stored is None or scale is None or stored.ndim != 2 or (zero is not None and zero.any()):
        return None
    axis, block = node.attributes.get_int("axis", 1) % 2, node.attributes.get_int("block_size", 0)
    if block:
        divides = axis == 1 and stored.shape[1] % block == 0
        return _Rows(stored, np.asarray(scale, np.float32), block) if divides else None
    if axis != 0 or scale.shape != (len(stored),):
        return None
    return _Rows(stored, np.asarray(scale, np.float32)[:, None], stored.shape[1])


def _can_be_gathered(rows: _Rows) -> bool:
    kind, width = rows.stored.dtype.name, rows.stored.shape[1]
    return kind == "int8" or (kind == "int4" and width % 2 == 0)


def _gather_stored(gather: ir.Node, rows: _Rows) -> None:
    graph, (table, ids) = graph_of(gather), gather.inputs
    name = str(table.name if table is not None else gather.name)
    made: list[ir.Node] = []
    taken = value_names(graph)

    def add(op: str, *inputs: ir.Value | None, **attributes: Any) -> ir.Value:
        node = ir.node(op, list(inputs), attributes, name=f"{gather.name}_{len(made)}")
        wanted = f"{gather.outputs[0].name}_{len(made)}"
        node.outputs[0].name = unique_name(graph, wanted, taken)
        made.append(node)
        return node.outputs[0]

    def hold(what: str, array: NDArray[np.generic]) -> ir.Value:
        return new_initializer(graph, f"{name}_{what}", array)

    units = add("Gather", hold(SCALES, rows.scale), ids, axis=0)
    parameters = [units]
    if rows.stored.dtype == np.int8:
        picked = add("Gather", hold("rows", rows.stored), ids, axis=0)
    else:
        pairs = add("Gather", hold("pairs", _pairs(rows.stored)), ids, axis=0)
        low = add("BitwiseAnd", pairs, hold("nibble", np.array(NIBBLE, np.uint8)))
        high = add("BitShift", pairs, hold("shift", np.array(SHIFT, np.uint8)), direction="RIGHT")
        picked = add("Concat", low, high, axis=LAST)
        eight = ir.tensor(np.array([OFFSET], np.uint8))
        parameters.append(add("ConstantOfShape", add("Shape", units), value=eight))
    real = add("DequantizeLinear", picked, *parameters, axis=LAST, block_size=rows.block)
    graph.insert_before(gather, made)
    _take_the_place(gather, real)


def _pairs(stored: NDArray[np.generic]) -> NDArray[np.uint8]:
    """uint8 [rows, width / 2] of int4 [rows, width]."""
    shifted = (stored.astype(np.int8) + OFFSET).astype(np.uint8)
    half = stored.shape[1] // 2
    return np.asarray(shifted[:, :half] | shifted[:, half:] << SHIFT)


# --- and back ------------------------------------------------------------------------------------


def _gathered(node: ir.Node) -> tuple[_Rows | None, ir.Value | None]:
    scales = made_by(node.inputs[1], "Gather")
    if scales is None or not node.attributes.get_int("block_size", 0):
        return None, None
    ids, scale = scales.inputs[1], constant(scales.inputs[0])
    stored = _stored_rows(node, ids)
    if stored is None or scale is None or scale.ndim != 2:
        return None, None
    return _Rows(stored, np.asarray(scale, np.float32), node.attributes.get_int("block_size")), ids


def _stored_rows(node: ir.Node, ids: ir.Value | None) -> NDArray[np.generic] | None:
    plain, joined = made_by(node.inputs[0], "Gather"), made_by(node.inputs[0], "Concat")
    if plain is not None and plain.inputs[1] is ids:
        stored = constant(plain.inputs[0])
        return stored if stored is not None and stored.dtype == np.int8 else None
    low = made_by(joined.inputs[0], "BitwiseAnd") if joined is not None else None
    pairs = made_by(low.inputs[0], "Gather") if low is not None else None
    packed = constant(pairs.inputs[0]) if pairs is not None else None
    offset = made_by(input_at(node, 2), "ConstantOfShape") or constant(input_at(node, 2))
    if pairs is None or packed is None or pairs.inputs[1] is not ids or offset is None:
        return None
    bytes_ = np.asarray(packed, np.uint8)
    nibbles = np.concatenate([bytes_ & NIBBLE, bytes_ >> SHIFT], axis=1)
    return (nibbles.astype(np.int8) - OFFSET).astype(ml_dtypes.int4)


def _gather_real(node: ir.Node, rows: _Rows, ids: ir.Value) -> None:
    graph, scales = graph_of(node), made_by(node.inputs[1], "Gather")
    held = scales.inputs[0] if scales is not None else None
    name = str(held.name if held is not None else node.name).removesuffix(f"_{SCALES}")
    whole = rows.block == rows.stored.shape[1]
    stored = new_initializer(graph, f"{name}_table", rows.stored)
    scale = rows.scale[:, 0] if whole else rows.scale
    parameters = [new_initializer(graph, f"{name}_table_scale", scale)]
    if rows.stored.dtype == np.int8:
        zeros = np.zeros(scale.shape, np.int8)
        parameters.append(new_initializer(graph, f"{name}_table_zero", zeros))
    attributes = {"axis": 0} if whole else {"axis": 1, "block_size": rows.block}
    real = ir.node("DequantizeLinear", [stored, *parameters], attributes, name=f"{name}_dq")
    real.outputs[0].name = name
    real.outputs[0].type = ir.TensorType(ir.DataType.FLOAT)
    real.outputs[0].shape = ir.Shape(rows.stored.shape)
    maker = str(scales.name if scales is not None else node.name).removesuffix("_0")
    gather = ir.node("Gather", [real.outputs[0], ids], {"axis": 0}, name=maker)
    gather.outputs[0].name = f"{name}_picked"
    graph.insert_before(node, [real, gather])
    _take_the_place(node, gather.outputs[0])


def _take_the_place(node: ir.Node, value: ir.Value) -> None:
    old = node.outputs[0]
    value.type, value.shape = old.type, old.shape
    name, old.name = old.name, None
    old.replace_all_uses_with(value, replace_graph_outputs=True)
    graph_of(node).remove(node, safe=True)
    value.name = name
