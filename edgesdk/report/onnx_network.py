"""An ONNX graph, float or with Q/DQ nodes, as a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk.artifact import Artifact
from edgesdk.report.bins import bins_of_array
from edgesdk.report.cost import macs
from edgesdk.report.network import INPUT, OUTPUT, Constant, Grid, Network, Node, Value
from edgesdk_quant.graph import constant, load, new_initializer, scalar, value_shape
from edgesdk_quant.graph.batch import with_batch_of_one
from edgesdk_quant.graph.shapes import infer_shapes
from edgesdk_quant.operators import attribute
from edgesdk_runtimes.errors import ModelError

INTEGER_DTYPES = frozenset({"INT4", "UINT4", "INT8", "UINT8", "INT16", "UINT16"})


def load_with_shapes(artifact: Artifact) -> ir.Model:
    """The file's own graph with the shapes that ONNX can infer; without, where they contradict."""
    model = _loaded(artifact)
    try:
        infer_shapes(model)
    except ModelError:
        return _loaded(artifact)
    return model


def _loaded(artifact: Artifact) -> ir.Model:
    """The graph; scales that a file says as a product of two others are computed."""
    model = load(artifact.data, artifact.name)
    for node in list(model.graph):
        factors = [constant(value) for value in node.inputs]
        used = [use for output in node.outputs for use in output.uses()]
        scales = used and all(u.node.op_type == "DequantizeLinear" and u.idx == 1 for u in used)
        if node.op_type == "Mul" and scales and all(f is not None for f in factors):
            array = np.asarray(np.multiply(*map(np.asarray, factors)), np.float32)
            value = new_initializer(model.graph, f"{node.outputs[0].name}_value", array)
            for use in used:
                use.node.replace_input_with(use.idx, value)
            model.graph.remove(node, safe=True)
    return model


def onnx_network(model: ir.Model, name: str, *, histograms: bool = False) -> Network:
    """Take in the main graph.

    Args:
        model: any ONNX graph; values whose shape is unknown are shown without.
        name: how the page calls it.
        histograms: count the values of every trained constant.
    """
    reader = _Reader(model.graph, histograms, _sizes_of_one(model))
    nodes = tuple(reader.nodes())
    inner = sum(1 for _ in model.graph.all_nodes()) - len(model.graph)
    notes = (f"{inner} nodes inside of If, Loop or Scan are not drawn.",) if inner else ()
    return Network(name, "onnx", nodes, notes)


def _sizes_of_one(model: ir.Model) -> Mapping[str, tuple[int, ...]]:
    """Name of a value -> its sizes with a batch of 1, to count operations with."""
    closed = with_batch_of_one(model)
    try:
        infer_shapes(closed)
    except ModelError:
        return {}
    values = [v for node in closed.graph for v in (*node.inputs, *node.outputs) if v is not None]
    sizes = {str(value.name): _sizes(value) for value in values}
    return {name: found for name, found in sizes.items() if found is not None}


class _Reader:
    def __init__(
        self, graph: ir.Graph, histograms: bool, sizes: Mapping[str, tuple[int, ...]]
    ) -> None:
        self._graph = graph
        self._histograms = histograms
        self._of_one = sizes

    def nodes(self) -> Iterator[Node]:
        for value in self._graph.inputs:
            if value.name not in self._graph.initializers:
                yield Node(str(value.name), INPUT, (), (self._value(value),))
        for index, node in enumerate(self._graph):
            if not self._is_stored(node):
                yield self._node(node, index)
        for value in self._graph.outputs:
            yield Node(str(value.name), OUTPUT, (str(value.name),), ())

    def _is_stored(self, node: ir.Node) -> bool:
        """Whether a node only gives a constant: it is drawn as a part of its readers."""
        if node.op_type == "DequantizeLinear":
            return constant(node.inputs[0]) is not None
        return node.op_type == "Constant"

    def _node(self, node: ir.Node, index: int) -> Node:
        inputs = [value for value in node.inputs if value is not None]
        constants = [(value, self._constant(value, node)) for value in inputs]
        outputs = tuple(self._value(value) for value in node.outputs if value.name)
        shapes = [None if value is None else self._sizes(value) for value in node.inputs]
        return Node(
            node.name or f"{node.op_type}_{index}",
            node.op_type,
            tuple(str(value.name) for value, found in constants if found is None),
            outputs,
            tuple(found for _, found in constants if found is not None),
            macs(node.op_type, shapes, self._sizes(node.outputs[0])) if node.outputs else 0,
        )

    def _sizes(self, value: ir.Value) -> tuple[int, ...] | None:
        return self._of_one.get(str(value.name), _sizes(value))

    def _value(self, value: ir.Value) -> Value:
        dtype = "" if value.dtype is None else value.dtype.name
        return Value(str(value.name), dtype, value_shape(value), _grid(value))

    def _constant(self, value: ir.Value, reader: ir.Node) -> Constant | None:
        """A constant operand as it is stored, behind its DequantizeLinear if it has one."""
        dequantize = value.producer()
        if dequantize is None or dequantize.op_type != "DequantizeLinear":
            array = self._array(value)
            if array is None:
                return None
            is_parameter = array.dtype.kind == "f" and not _is_scale(value, reader)
            return self._described(value, array, array, 0, is_parameter)
        stored = constant(dequantize.inputs[0])
        if stored is None:
            return None
        scale = constant(dequantize.inputs[1])
        real = stored if scale is None else _dequantized(stored, scale, dequantize)
        return self._described(
            dequantize.inputs[0], stored, real, 0 if scale is None else scale.size, True
        )

    def _array(self, value: ir.Value) -> NDArray[np.generic] | None:
        """Old files list their weights among the inputs, as defaults: they are drawn as weights."""
        default = self._graph.initializers.get(str(value.name))
        if default is not None and default.const_value is not None:
            return default.const_value.numpy()
        return constant(value)

    def _described(
        self,
        value: ir.Value | None,
        stored: NDArray[np.generic],
        real: NDArray[np.generic],
        scales: int,
        is_parameter: bool,
    ) -> Constant:
        tensor = None if value is None else value.const_value
        counted = self._histograms and is_parameter
        return Constant(
            "" if value is None else str(value.name),
            str(stored.dtype).upper() if tensor is None else tensor.dtype.name,
            tuple(stored.shape),
            int(stored.nbytes if tensor is None else tensor.nbytes),
            scales,
            is_parameter,
            bins_of_array(np.asarray(real, np.float32)) if counted else None,
        )


def _is_scale(value: ir.Value, reader: ir.Node) -> bool:
    return reader.op_type in ("QuantizeLinear", "DequantizeLinear") and value is reader.inputs[1]


def _sizes(value: ir.Value) -> tuple[int, ...] | None:
    """Dimensions with 1 for open ones; an initializer's own shape."""
    shape = value_shape(value)
    return None if shape is None else tuple(1 if size is None else size for size in shape)


def _dequantized(
    stored: NDArray[np.generic], scale: NDArray[np.generic], node: ir.Node
) -> NDArray[np.float32]:
    """Real values of a weight: scale per tensor, per channel [C], or per block along the axis."""
    axis, block = int(attribute(node, "axis", 1)), int(attribute(node, "block_size", 0))
    zero = constant(node.inputs[2]) if len(node.inputs) > 2 else None
    steps = stored.astype(np.float32)
    if zero is not None:
        steps = steps - _spread(zero.astype(np.float32), stored.shape, axis, block)
    return np.asarray(
        steps * _spread(scale.astype(np.float32), stored.shape, axis, block), np.float32
    )


def _spread(
    parameter: NDArray[np.float32], shape: tuple[int, ...], axis: int, block: int
) -> NDArray[np.float32]:
    if block:
        return np.repeat(parameter, block, axis)[tuple(slice(size) for size in shape)]
    if parameter.size == 1:
        return parameter.reshape(())
    along = [1] * len(shape)
    along[axis] = -1
    return parameter.reshape(along)


def _grid(value: ir.Value) -> Grid | None:
    """The grid that the first QuantizeLinear behind a value puts it on."""
    for usage in value.uses():
        if usage.node.op_type == "QuantizeLinear" and usage.idx == 0:
            return _grid_of(usage.node)
    return None


def _grid_of(quantize: ir.Node) -> Grid | None:
    scale = scalar(quantize.inputs[1])
    dtype = quantize.outputs[0].dtype
    if scale is None or dtype is None or dtype.name not in INTEGER_DTYPES:
        return None
    zero = scalar(quantize.inputs[2]) if len(quantize.inputs) > 2 else 0.0
    bits = 8 * dtype.itemsize
    least = 0 if dtype.name.startswith("U") else -(2 ** (bits - 1))
    offset = int(zero or 0)
    low, high = (scale * (least - offset), scale * (least + 2**bits - 1 - offset))
    return Grid(dtype.name, scale, offset, low, high)
