"""A TFLite model as plain data: read by the reader, written by the writer, run as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgesdk_runtimes.base import Array

OptionValue = int | float | bool | str | tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True)
class Quantization:
    """Affine quantization: real = scale[c] * (q - zero_point[c]).

    Attributes:
        scale: float32 [1] per tensor, or [shape[axis]] per channel; by blocks
            [..., shape[-1] / block], values of float16.
        zero_point: int64, as many as scales; by blocks all 0.
        axis: quantized dimension; 0 when per tensor or by blocks.
        block: 0, or how many neighbours along the last dimension share a scale.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int = 0
    block: int = 0


@dataclass(frozen=True)
class Tensor:
    """A tensor of a subgraph.

    Attributes:
        name: its name, unique within the subgraph in files that we write.
        type: schema name: "FLOAT32", "INT8", "INT4", "UINT8", "INT16", "INT32", "INT64", ...
        shape: sizes; () for a scalar.
        data: constant value with the tensor's own shape, or None. INT4 is held as int8 -8..7.
        quantization: None when not quantized.
        is_variable: keeps its value between runs.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    data: Array | None = None
    quantization: Quantization | None = None
    is_variable: bool = False


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        code: builtin name in the schema, e.g. "CONV_2D"; "CUSTOM:<name>" for a custom one.
        inputs: tensor numbers; -1 for an optional input left out.
        outputs: tensor numbers.
        options: schema field names to values, all fields of the operator's option table present
            (defaults filled in); enums as their schema names, e.g. {"padding": "SAME"}.
        version: operator version as the schema counts it.
        intermediates: tensor numbers whose quantization an integer LSTM takes; -1 where left out.
    """

    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    version: int = 1
    intermediates: tuple[int, ...] = ()


@dataclass(frozen=True)
class Subgraph:
    """A function: operators in execution order over a list of tensors."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """A whole file; subgraph 0 is the main one. `metadata` maps names to raw bytes."""

    subgraphs: tuple[Subgraph, ...]
    description: str = ""
    metadata: Mapping[str, bytes] = field(default_factory=dict)
