"""A model of one operator, from what tells it apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgesdk_quant.tflite.model import Model, Operator, OptionValue, Quantization, Subgraph, Tensor
from edgesdk_quant.tflite.schema import default_options
from edgesdk_runtimes.base import Array

Shape = tuple[int, ...]
STEP, ZERO = 0.05, 3  # of activations, but for outputs of a fixed range
WEIGHT_STEP = 0.01
FIXED_OUTPUTS = {
    "SOFTMAX": (1 / 256, -128),
    "LOGISTIC": (1 / 256, -128),
    "TANH": (1 / 128, 0),
    "LOG_SOFTMAX": (16 / 256, 127),
    "L2_NORMALIZATION": (1 / 128, 0),
}
LINEAR = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
TOLD = ("axis", "filter_width", "stride_w")  # options that a name tells
TYPE_NAMES = {"float32": "FLOAT32", "int32": "INT32", "bool": "BOOL", "int8": "INT8"}


@dataclass(frozen=True)
class Case:
    """One operator.

    Attributes:
        code: builtin name.
        kind: type of its inputs, and of its outputs unless `result` says another.
        inputs: shapes of what is fed, and arrays of constants; float ones are quantized where
            `kind` is INT8, int8 ones are weights of float activations.
        outputs: shapes.
        options: those that are not defaults.
        result: type of the outputs, "" for `kind`.
    """

    code: str
    kind: str
    inputs: tuple[Shape | Array, ...]
    outputs: tuple[Shape, ...]
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    result: str = ""

    @property
    def name(self) -> str:
        """Name, type, shapes, and the numbers of small constants."""
        told = [f"{o}={self.options[o]}" for o in TOLD if o in self.options]
        return " ".join((self.code, self.kind.lower(), *map(_short, self.inputs), *told))


def _short(value: Shape | Array) -> str:
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if value.dtype == np.int32 and value.size <= 8:
        return str(value.tolist()).replace(" ", "")
    return ("int8 " if value.dtype == np.int8 else "") + "c" + "x".join(map(str, value.shape))


def model_of(case: Case) -> Model:
    """A file of this operator alone."""
    inputs = [_input(case, i, value) for i, value in enumerate(case.inputs)]
    outputs = [_output(case, i, shape) for i, shape in enumerate(case.outputs)]
    numbers = tuple(range(len(inputs) + len(outputs)))
    operator = Operator(
        case.code,
        numbers[: len(inputs)],
        numbers[len(inputs) :],
        default_options(case.code) | dict(case.options),
    )
    fed = tuple(i for i, tensor in enumerate(inputs) if tensor.data is None)
    graph = Subgraph("main", (*inputs, *outputs), (operator,), fed, numbers[len(inputs) :])
    return Model((graph,))


def _input(case: Case, number: int, value: Shape | Array) -> Tensor:
    name = f"x{number}"
    if isinstance(value, tuple):
        return Tensor(name, case.kind, value, None, _activation(case.kind, STEP, ZERO))
    if value.dtype == np.int8:
        return Tensor(name, "INT8", value.shape, value, _per_channel(len(value), WEIGHT_STEP, 0))
    if value.dtype != np.float32 or case.kind != "INT8":
        return Tensor(name, TYPE_NAMES[value.dtype.name], value.shape, value)
    if case.code in LINEAR:
        return _linear_constant(case, name, value)
    stored = np.clip(np.rint(value / STEP) + ZERO, -128, 127).astype(np.int8)
    return Tensor(name, "INT8", value.shape, stored, _activation("INT8", STEP, ZERO))


def _linear_constant(case: Case, name: str, value: Array) -> Tensor:
    """Weights, or a bias of zeros."""
    if value.ndim == 1:
        step = np.float32(STEP) * np.float32(WEIGHT_STEP)
        zeros = np.zeros(value.shape, np.int32)
        return Tensor(name, "INT32", value.shape, zeros, _per_channel(len(value), float(step), 0))
    axis = 3 if case.code == "DEPTHWISE_CONV_2D" else 0
    scales = _per_channel(value.shape[axis], WEIGHT_STEP, axis)
    return Tensor(name, "INT8", value.shape, as_weights(value), scales)


def as_weights(value: Array) -> Array:
    """Normally distributed values as int8."""
    stored: Array = np.clip(np.rint(40 * value), -127, 127).astype(np.int8)
    return stored


def _output(case: Case, number: int, shape: Shape) -> Tensor:
    kind = case.result or case.kind
    step, zero = FIXED_OUTPUTS.get(case.code, (STEP, ZERO))
    return Tensor(f"y{number}", kind, shape, None, _activation(kind, step, zero))


def _activation(kind: str, step: float, zero: int) -> Quantization | None:
    if kind != "INT8":
        return None
    return Quantization(np.array([step], np.float32), np.array([zero], np.int64))


def _per_channel(count: int, step: float, axis: int) -> Quantization:
    return Quantization(np.full(count, step, np.float32), np.zeros(count, np.int64), axis)
