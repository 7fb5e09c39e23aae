"""The main subgraph of a TFLite file as a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgesdk.report.bins import bins_of_array
from edgesdk.report.cost import macs
from edgesdk.report.network import INPUT, OUTPUT, Constant, Grid, Network, Node, Value
from edgesdk.verification.grid import grid_of
from edgesdk_quant.tflite.model import Model, Operator, Subgraph, Tensor

FLOATS = frozenset({"FLOAT32", "FLOAT16"})
# Operators that only unpack a constant: it is drawn as a part of its readers.
UNPACKING = frozenset({"DEQUANTIZE", "DENSIFY"})


def tflite_network(model: Model, name: str, *, histograms: bool = False) -> Network:
    """Take in the main subgraph.

    Args:
        model: the file as data.
        name: how the page calls it.
        histograms: count the values of every trained constant.
    """
    inner = sum(len(graph.operators) for graph in model.subgraphs[1:])
    notes = (f"{inner} operators of other subgraphs are not drawn.",) if inner else ()
    return Network(name, "tflite", tuple(_nodes(model.subgraphs[0], histograms)), notes)


def _nodes(graph: Subgraph, histograms: bool) -> Iterator[Node]:
    reader = _Reader(graph, histograms)
    for i in graph.inputs:
        yield Node(reader.names[i], INPUT, (), (reader.value(i),))
    for operator in graph.operators:
        if not set(operator.outputs) <= reader.stored.keys():
            yield reader.node(operator)
    for i in graph.outputs:
        yield Node(reader.names[i], OUTPUT, (reader.names[i],), ())


class _Reader:
    """One subgraph; `stored` maps tensors that only unpack a constant to that constant."""

    def __init__(self, graph: Subgraph, histograms: bool) -> None:
        self.tensors = graph.tensors
        self.names = _unique_names(graph.tensors)
        self.histograms = histograms
        self.stored = {
            op.outputs[0]: op.inputs[0]
            for op in graph.operators
            if op.code in UNPACKING and graph.tensors[op.inputs[0]].data is not None
        }

    def node(self, operator: Operator) -> Node:
        read = [self.stored.get(i, i) for i in operator.inputs]
        written = [i for i in operator.outputs if i >= 0]
        shapes = [self.tensors[i].shape if i >= 0 else None for i in read]
        found = {i: self.constant(i) for i in read if i >= 0}
        return Node(
            # Converters list the names of what they fused; the first is the operator itself.
            self.names[written[0]].partition(";")[0] if written else operator.code,
            operator.code,
            tuple(self.names[i] for i, constant in found.items() if constant is None),
            tuple(self.value(i) for i in written),
            tuple(constant for constant in found.values() if constant is not None),
            macs(operator.code, shapes, self.tensors[written[0]].shape if written else None),
            _activation(operator),
        )

    def value(self, i: int) -> Value:
        tensor = self.tensors[i]
        return Value(self.names[i], tensor.type, tensor.shape, _grid(tensor))

    def constant(self, i: int) -> Constant | None:
        tensor = self.tensors[i]
        if tensor.data is None:
            return None
        scales = 0 if tensor.quantization is None else len(tensor.quantization.scale)
        is_parameter = tensor.type in FLOATS or scales > 0
        return Constant(
            self.names[i],
            tensor.type,
            tensor.shape,
            _stored_bytes(tensor, tensor.data),
            scales,
            is_parameter,
            bins_of_array(_real(tensor, tensor.data)) if self.histograms and is_parameter else None,
        )


def _activation(operator: Operator) -> str:
    found = operator.options.get("fused_activation_function", "NONE")
    return "" if found == "NONE" else str(found)


def _grid(tensor: Tensor) -> Grid | None:
    found = grid_of(tensor)
    if found is None:
        return None
    return Grid(tensor.type, found.scale, found.zero_point, found.low, found.high)


def _unique_names(tensors: Sequence[Tensor]) -> list[str]:
    """Names of the file, numbered where it gives one twice."""
    names = [tensor.name or "tensor" for tensor in tensors]
    if len(set(names)) == len(names):
        return names
    return [f"{name} ({i})" for i, name in enumerate(names)]


def _stored_bytes(tensor: Tensor, data: NDArray[np.generic]) -> int:
    """Bytes in the file: INT4 is held unpacked in memory."""
    return (data.size + 1) // 2 if tensor.type == "INT4" else int(data.nbytes)


def _real(tensor: Tensor, data: NDArray[np.generic]) -> NDArray[np.float32]:
    scheme = tensor.quantization
    real = data.astype(np.float32)
    if scheme is None:
        return real
    along = [1] * data.ndim
    if len(scheme.scale) > 1:
        along[scheme.axis] = -1
    zero, scale = scheme.zero_point.astype(np.float32), scheme.scale
    return np.asarray((real - zero.reshape(along)) * scale.reshape(along), np.float32)
