"""Which weights are stored as integers: their axis, width and blocks."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from edgesdk_quant.capability import Capability, Role, Target
from edgesdk_quant.graph import constant
from edgesdk_quant.operators import is_float
from edgesdk_quant.placement.decision import WeightSite
from edgesdk_quant.placement.roles import weighted_by
from edgesdk_quant.recipe import BLOCKS, WEIGHT_BITS, Recipe

# A lookup table smaller than this stays float: a byte saved there is not worth a rounding.
SMALLEST_TABLE = 1024
# Weights [K, N] or [N, K], which may be cut into blocks along K; tables, along their rows.
MATRICES = frozenset({"Gather", "Gemm", "MatMul"})
FEW_BITS = 4


@dataclass(frozen=True)
class WeightRules:
    """What a recipe asks for, of what a target's kernels take."""

    recipe: Recipe
    target: Target

    def site(self, node: ir.Node, integer: bool) -> WeightSite | None:
        """The node's weights as they are to be stored; None where it has none.

        Args:
            node: an operator that the target knows.
            integer: its activations are integers too.
        """
        capability = self._capability(node)
        axis = self._axis(node)
        if axis is None or (integer and weighted_by(node, capability) is None):
            return None
        index = 0 if capability.role is Role.LOOKUP else 1
        return WeightSite(str(node.name), index, axis, self._bits(node, integer), self._block(node))

    def alone(self, node: ir.Node) -> bool:
        """Whether the node's weights can be integers while its activations are float."""
        wanted = self.recipe.weight_bits(str(node.name))
        wide_enough = any(bits >= wanted for bits in self._capability(node).weight_only)
        allowed = self.recipe.override_for(str(node.name)).quantize != "none"
        return allowed and wide_enough and self._axis(node) is not None

    def wider(self, node: ir.Node) -> str:
        """That weights get more bits than the recipe asks for; "" where they do not."""
        capability, wanted = self._capability(node), self.recipe.weight_bits(str(node.name))
        if capability.role is not Role.WEIGHTED or wanted in capability.weights:
            return ""
        bits = self._bits(node, integer=True)
        return f"target {self.target.name} has no {wanted}-bit {node.op_type}: {bits} bits"

    def undivided(self, node: ir.Node) -> str:
        """That no block divides the depth; "" where one does."""
        narrow = self.recipe.weight_bits(str(node.name)) <= FEW_BITS
        if not self._wants_blocks(node) or not narrow or self._block(node):
            return ""
        return (
            f"blocks of {self.recipe.weights.block} do not divide its depth of "
            f"{self._depth(node)}: {max(WEIGHT_BITS)} bits a channel"
        )

    def _capability(self, node: ir.Node) -> Capability:
        return self.target.capabilities[node.op_type]

    def _axis(self, node: ir.Node) -> int | None:
        capability = self._capability(node)
        if capability.role is Role.LOOKUP:
            return 0 if _is_large_table(node.inputs[0]) else None
        found = weighted_by(node, capability)
        return None if found is None else found.axis

    def _bits(self, node: ir.Node, integer: bool) -> int:
        """The width that the recipe asks for, or the next one that the target's kernels take."""
        capability = self._capability(node)
        allowed = capability.weights if integer else capability.weight_only
        wanted = (
            max(WEIGHT_BITS) if self.undivided(node) else self.recipe.weight_bits(str(node.name))
        )
        return min((bits for bits in allowed if bits >= wanted), default=wanted)

    def _block(self, node: ir.Node) -> int:
        """The largest block up to the recipe's that divides the depth; 0: a scale each channel.

        Blocks are for 4 bits: TFLite has none of 8, which need them less.
        """
        if not self._wants_blocks(node) or self.recipe.weight_bits(str(node.name)) > FEW_BITS:
            return 0
        depth, largest = self._depth(node), self.recipe.weights.block
        return next((b for b in BLOCKS if b <= largest and depth % b == 0), 0)

    def _wants_blocks(self, node: ir.Node) -> bool:
        return self.recipe.weights.granularity == "block" and node.op_type in MATRICES

    def _depth(self, node: ir.Node) -> int:
        lookup = self._capability(node).role is Role.LOOKUP
        weight, axis = constant(node.inputs[0 if lookup else 1]), self._axis(node)
        return 0 if weight is None or axis is None else int(weight.shape[1 - axis])


def _is_large_table(value: ir.Value | None) -> bool:
    table = constant(value)
    if table is None or value is None or not is_float(value):
        return False
    return table.ndim == 2 and table.size >= SMALLEST_TABLE
