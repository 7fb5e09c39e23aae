"""Why a node's activations stay float."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgesdk_quant.capability import Capability, Role, Target
from edgesdk_quant.graph import constant
from edgesdk_quant.operators import data_inputs, fused_activation, is_float, is_plain, weighted
from edgesdk_quant.recipe import Recipe

# Attention masks are products with -10000 and lower, of which the sum with the scores needs little.
HUGE_FACTOR = 1e4


@dataclass(frozen=True)
class Conditions:
    """What integers have to hold to.

    Attributes:
        recipe: what to do.
        target: what the device can run.
        coarse: values that stay float -> the SQNR in dB with which the recipe's width holds them.
        unfixed: values that the range which their operator fixes does not hold so well.
    """

    recipe: Recipe
    target: Target
    coarse: Mapping[str, float]
    unfixed: Set[str]

    @property
    def bits(self) -> int | None:
        """Width of activations; None: they stay float."""
        return None if self.recipe.activations is None else self.recipe.activations.bits

    def obstacle(self, node: ir.Node, capability: Capability) -> str:
        """Why the node's activations stay float; "" if nothing stands in the way."""
        return (
            self._recipe_obstacle(node, capability)
            or _type_obstacle(node, capability)
            or _shape_obstacle(node, capability)
            or self._range_obstacle(node, capability)
        )

    def _recipe_obstacle(self, node: ir.Node, capability: Capability) -> str:
        choice = self.recipe.override_for(str(node.name)).quantize
        if choice != "all":
            return f"the recipe's override says quantize = {choice!r}"
        if self.bits is None:
            return f"recipe {self.recipe.name} leaves activations in float"
        if self.bits not in capability.activations:
            return f"target {self.target.name} has no {self.bits}-bit {node.op_type}"
        return ""

    def _range_obstacle(self, node: ir.Node, capability: Capability) -> str:
        if capability.role is Role.FIXED and str(node.outputs[0].name) in self.unfixed:
            return "its values are too small for the step that integer kernels fix (min_sqnr)"
        last = fused_activation(node, capability.fuses) or node
        for value in (*data_inputs(node), *node.outputs, *last.outputs):
            if str(value.name) in self.coarse:
                return f"{self.bits} bits hold its values with less SQNR than min_sqnr (outliers)"
        return ""


def _type_obstacle(node: ir.Node, capability: Capability) -> str:
    if not data_inputs(node) or not is_float(node.outputs[0]):
        return "it does not compute float32"
    if capability.role is Role.LOOKUP and constant(node.inputs[0]) is not None:
        return "rows of a table are looked up and used in float"
    return ""


def _shape_obstacle(node: ir.Node, capability: Capability) -> str:
    if not is_plain(node):
        return f"integer {node.op_type} kernels do not take its attributes"
    if node.op_type == "Mul" and any(_is_huge(value) for value in node.inputs):
        return "its factor is that of a mask, farther than integer kernels scale"
    if capability.role is not Role.WEIGHTED:
        return ""
    if weighted(node) is None and node.op_type != "MatMul":
        return "its weights or bias are computed at run time"
    return ""


def _is_huge(value: ir.Value | None) -> bool:
    array = constant(value)
    return array is not None and bool(np.max(np.abs(array), initial=0) >= HUGE_FACTOR)
