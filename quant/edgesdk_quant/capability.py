"""What a target can run with integers, operator by operator. Targets fill this in as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """How an operator takes part in a quantized graph."""

    WEIGHTED = "weighted"
    """Constant weights, int32 bias: Conv, ConvTranspose, Gemm, MatMul."""

    ARITHMETIC = "arithmetic"
    """Each input and output has its own scale: Add, Mul, MatMul of two activations, LeakyRelu."""

    PASS_THROUGH = "pass-through"
    """Moves or picks stored values: one scale for all inputs and outputs: Reshape, Concat."""

    FIXED = "fixed"
    """The output's range is known beforehand: Softmax, Sigmoid, Tanh."""

    LOOKUP = "lookup"
    """Picks rows of constant weights, which are stored in 8 bits and used as floats: Gather."""


@dataclass(frozen=True)
class Capability:
    """What a target does with one operator.

    Attributes:
        role: see Role.
        activations: activation widths in bits that its integer kernels take.
        weights: weight widths in bits that its integer kernels take.
        weight_only: weight widths in bits that it takes when activations are float.
        fuses: activation operators that its kernels apply to their result at no cost.
        range: output range of a FIXED operator.
    """

    role: Role
    activations: frozenset[int] = frozenset()
    weights: frozenset[int] = frozenset()
    weight_only: frozenset[int] = frozenset()
    fuses: frozenset[str] = frozenset()
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Target:
    """A device, as far as quantization is concerned.

    Attributes:
        name: what users type.
        description: one sentence.
        isa: instruction set that its integer kernels are built for.
        capabilities: ONNX operator -> what the target does with it; absent operators run in float.
    """

    name: str
    description: str
    isa: str
    capabilities: Mapping[str, Capability]
