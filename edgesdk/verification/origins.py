"""Where ONNX Runtime leaves the simulation: operators that make other integers of equal inputs.

A difference of one step in one element grows on its way to the output; what matters is where it
arises. The quantized values of the .onnx file are compared with the tensors of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgesdk.verification.artifacts import Artifacts
from edgesdk.verification.layers import in_layout_of
from edgesdk.verification.moves import Moves
from edgesdk.verification.tensors import SimulatedTensors
from edgesdk.verification.value_names import value_names
from edgesdk_quant.graph import load, to_bytes
from edgesdk_quant.tflite.model import Operator
from edgesdk_runtimes.base import Array, Session
from edgesdk_runtimes.errors import EdgeError
from edgesdk_runtimes.onnxruntime import OnnxRuntime

UNSIGNED_OFFSET = 128
# What ONNX Runtime computes otherwise than TFLite's kernels (docs/NUMERICS.md).
FLOAT_INSIDE = "ONNX Runtime computes it in float32 and rounds once, TFLite in fixed point"
REASONS: Mapping[str, str] = {
    "ADD": FLOAT_INSIDE,
    "SUB": FLOAT_INSIDE,
    "LEAKY_RELU": FLOAT_INSIDE,
    "AVERAGE_POOL_2D": "ONNX Runtime rounds the mean to even, TFLite away from zero",
    "SOFTMAX": "ONNX Runtime takes its exponentials from another table",
}


@dataclass(frozen=True)
class Origin:
    """A tensor that differs although the operator's inputs do not.

    Attributes:
        tensor: its name.
        op: the operator that makes it.
        different: elements that differ, over all samples looked into.
        elements: elements that were compared.
        largest: widest gap in steps.
    """

    tensor: str
    op: str
    different: int
    elements: int
    largest: int

    def __str__(self) -> str:
        reason = f"; {REASONS[self.op]}" if self.op in REASONS else ""
        return (
            f"{self.op} {self.tensor} ({self.different} of {self.elements:,} elements, at most "
            f"{self.largest} step{'s' if self.largest > 1 else ''}{reason})"
        )


class Origins:
    """Looks into a number of samples whose outputs differ."""

    def __init__(self, artifacts: Artifacts, reference: Session, samples: int) -> None:
        """Prepare; nothing is opened before the first difference.

        Args:
            artifacts: the files under test.
            reference: the float model, whose border both sides take.
            samples: how many are looked into at most.
        """
        self._artifacts, self._reference = artifacts, reference
        self._left = samples if artifacts.onnx is not None and artifacts.model is not None else 0
        self._found: dict[str, Origin] = {}
        self._integers: _Integers | None = None
        self._simulated: SimulatedTensors | None = None
        self.looked_into = 0

    def add(self, arrays: Sequence[Array]) -> None:
        """Take in one sample whose outputs differ, as long as samples are wanted."""
        if not self._left:
            return
        self._left -= 1
        try:
            self._open()
            self._compare(arrays)
        except EdgeError:  # the values cannot be exposed; the difference itself is told anyway
            self._left = 0

    def found(self) -> tuple[Origin, ...]:
        """Operators that differ by themselves, in the order of the file."""
        return tuple(self._found.values())

    def _open(self) -> None:
        artifacts = self._artifacts
        if self._integers is None and artifacts.onnx is not None and artifacts.model is not None:
            self._integers = _Integers(artifacts.onnx.data)
            self._simulated = SimulatedTensors(artifacts.model, self._reference, artifacts.layout)

    def _compare(self, arrays: Sequence[Array]) -> None:
        if self._integers is None or self._simulated is None or self._artifacts.model is None:
            return
        main = self._artifacts.model.subgraphs[0]
        gaps = _gaps(self._integers(arrays), self._simulated(arrays), value_names(main))
        moves = Moves(main)
        for op in main.operators:
            outputs = [gaps[n] for t in op.outputs if (n := main.tensors[t].name) in gaps]
            sources = [moves.back(main.tensors[t].name) for t in op.inputs if t >= 0]
            inputs = [gaps[name] for names in sources for name in names if name in gaps]
            if any(gap.any() for gap in outputs) and not any(gap.any() for gap in inputs):
                self._note(main.tensors[op.outputs[0]].name, op, outputs[0])
        self.looked_into += 1

    def _note(self, tensor: str, op: Operator, gap: Array) -> None:
        before = self._found.get(tensor, Origin(tensor, op.code, 0, 0, 0))
        self._found[tensor] = Origin(
            tensor,
            op.code,
            before.different + int((gap != 0).sum()),
            before.elements + gap.size,
            max(before.largest, int(gap.max())),
        )


class _Integers:
    """The quantized values of a QDQ model, by the name of the value that they stand for."""

    def __init__(self, model: bytes) -> None:
        exposed = load(model)
        nodes = [node for node in exposed.graph if node.op_type == "QuantizeLinear"]
        self._names = [str(node.inputs[0].name) for node in nodes if node.inputs[0] is not None]
        exposed.graph.outputs.clear()
        exposed.graph.outputs.extend(node.outputs[0] for node in nodes)
        self._session: Session = OnnxRuntime().open(to_bytes(exposed))

    def __call__(self, arrays: Sequence[Array]) -> dict[str, Array]:
        """Signed integers in the graph's layout."""
        return {
            name: value.astype(np.int32) - (UNSIGNED_OFFSET if value.dtype == np.uint8 else 0)
            for name, value in zip(self._names, self._session.run(arrays), strict=True)
        }


def _gaps(
    integers: Mapping[str, Array], tensors: Mapping[str, Array], names: Mapping[str, str]
) -> dict[str, Array]:
    """Absolute differences of the quantized tensors whose value both sides have, laid alike."""
    found = {}
    for tensor, theirs in tensors.items():
        value = integers.get(names.get(tensor, tensor))
        if value is None or theirs.dtype.kind not in "iu":
            continue
        ours = in_layout_of(theirs.astype(np.int32), value)
        if ours is not None:
            found[tensor] = np.abs(ours - theirs.astype(np.int32))
    return found
