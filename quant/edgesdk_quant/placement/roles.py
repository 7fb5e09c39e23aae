"""How one node takes part in a quantized graph."""

from __future__ import annotations

import onnx_ir as ir

from edgesdk_quant.capability import Capability, Role
from edgesdk_quant.graph import constant
from edgesdk_quant.operators import Weighted, weighted


def role_of(node: ir.Node, capability: Capability) -> Role:
    """The operator's role. A lookup in a computed tensor moves values, as pass-through ones do."""
    if capability.role is Role.LOOKUP and constant(node.inputs[0]) is None:
        return Role.PASS_THROUGH
    return capability.role


def weighted_by(node: ir.Node, capability: Capability) -> Weighted | None:
    """The node's constant weights; None where it has none or the target knows it otherwise."""
    return weighted(node) if capability.role is Role.WEIGHTED else None
