"""A model file as a network of operators: what the graph view, the table and the trace show.

ONNX and TFLite files come in the same form, so that everything behind this is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgesdk.report.bins import Bins

Shape = tuple[int | None, ...]

INPUT, OUTPUT = "Input", "Output"
QUANTIZING = frozenset({"QuantizeLinear", "DequantizeLinear", "QUANTIZE", "DEQUANTIZE"})
# Element type -> bits of a quantized number.
BITS: Mapping[str, int] = {
    **{"INT4": 4, "UINT4": 4, "INT8": 8, "UINT8": 8, "INT16": 16, "UINT16": 16, "INT2": 2},
}


@dataclass(frozen=True)
class Grid:
    """Per-tensor quantization of a value: real = scale * (q - zero_point).

    Attributes:
        dtype: element type of q, e.g. "UINT8".
        scale: the step.
        zero_point: the integer that means 0.
        low: smallest real number that it holds.
        high: largest real number that it holds.
    """

    dtype: str
    scale: float
    zero_point: int
    low: float
    high: float


@dataclass(frozen=True)
class Constant:
    """A constant that a node reads.

    Attributes:
        name: in the file.
        dtype: element type as stored, e.g. "INT8".
        shape: its dimensions.
        stored_bytes: what it takes in the file, scales left out.
        scales: how many scales it has; 0 where it is not quantized.
        is_parameter: it was trained: real numbers, or integers with scales.
        bins: histogram of its real values; None where nobody asked for it.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    stored_bytes: int
    scales: int = 0
    is_parameter: bool = True
    bins: Bins | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        product = 1
        for dimension in self.shape:
            product *= dimension
        return product


@dataclass(frozen=True)
class Value:
    """What a node computes, or the network takes; `shape` is None where the rank is unknown."""

    name: str
    dtype: str = ""
    shape: Shape | None = None
    grid: Grid | None = None


@dataclass(frozen=True)
class Node:
    """One operator of the file, or one input or output of the network.

    Attributes:
        name: unique in the network where the file's names are.
        op: e.g. "Conv" or "CONV_2D"; INPUT and OUTPUT for the border.
        inputs: names of the computed values that it reads.
        outputs: values that it computes.
        constants: constants that it reads.
        macs: multiply-accumulates in one run with batch 1; 0 where it has none or they are unknown.
        fused: activation that the operator applies itself, e.g. "RELU6"; "" for none.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[Value, ...]
    constants: tuple[Constant, ...] = ()
    macs: int = 0
    fused: str = ""


@dataclass(frozen=True)
class Network:
    """A model file.

    Attributes:
        name: file or model.
        format: "onnx" or "tflite".
        nodes: in the order of execution; inputs first, outputs last.
        notes: sentences on what is not shown.
    """

    name: str
    format: str
    nodes: tuple[Node, ...]
    notes: tuple[str, ...] = ()
