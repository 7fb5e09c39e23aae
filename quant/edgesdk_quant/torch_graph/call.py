"""One node as a torch expression sees it: attributes, constants, operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx_ir as ir

from edgesdk_quant.graph import constant


class Call:
    """A node's attributes and constant operands."""

    def __init__(self, node: ir.Node) -> None:
        self.node = node

    def number(self, name: str, default: Any) -> Any:
        found = self.node.attributes.get(name)
        return default if found is None else found.value

    def ints(self, name: str, default: Sequence[int] = ()) -> list[int]:
        return list(self.node.attributes.get_ints(name, list(default)))

    def constant(self, index: int) -> list[Any] | None:
        """The elements of a constant operand, None where it is left out."""
        value = self.node.inputs[index] if index < len(self.node.inputs) else None
        array = constant(value)
        return None if array is None else array.reshape(-1).tolist()


# A left-out operand is None.
Operands = Sequence[Any]
Result = Any  # one tensor or a list of them; torch's own functions are typed loosely
Expressions = Mapping[str, Callable[[Call, Operands], Result]]  # by operator


def numbers(call: Call, x: Operands, index: int) -> list[Any] | None:
    """The elements of an operand, constant or computed from shapes; None where it is left out."""
    held = call.constant(index)
    if held is None and len(x) > index and x[index] is not None:
        return list(x[index].reshape(-1).tolist())
    return held


def torch_pads(pads: Sequence[int]) -> list[int]:
    """ONNX's begins and ends -> torch's pairs, the last dimension first."""
    half = len(pads) // 2
    return [p for d in reversed(range(half)) for p in (pads[d], pads[half + d])]
