"""Where Q/DQ go: which operators run on integers, and which values share one scale.

Two runtimes' fusion rules are met at once. ONNX Runtime fuses an operator whose every input comes
from a DequantizeLinear and whose output, after a fused activation, goes to one QuantizeLinear;
TFLite's pass-through operators want the same scale on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgesdk_quant.capability import Capability, Role, Target
from edgesdk_quant.graph import constant, consumers
from edgesdk_quant.operators import (
    Weighted,
    data_inputs,
    fused_activation,
    is_float,
    is_plain,
    weighted,
)
from edgesdk_quant.recipe import BLOCKS, WEIGHT_BITS, Recipe

# A lookup table smaller than this stays float: a byte saved there is not worth a rounding.
SMALLEST_TABLE = 1024
# Weights [K, N] or [N, K], which may be cut into blocks along K; tables, along their rows.
MATRICES = frozenset({"Gather", "Gemm", "MatMul"})
FEW_BITS = 4
# Attention masks are products with -10000 and lower, of which the sum with the scores needs little.
HUGE_FACTOR = 1e4

FLOAT = "float"
WEIGHTS_ONLY = "weights"
OWN_SCALES = "each of the outputs that it joins keeps its own scale"


@dataclass(frozen=True)
class Decision:
    """What becomes of one node.

    Attributes:
        node: its name.
        op: its operator.
        kind: "int8" or "int16" after its activations, "weights" where only those are integers,
            "float".
        reason: why it is so; "" for what the recipe asks for.
        passes: it moves integers from inputs to outputs of the same scale.
    """

    node: str
    op: str
    kind: str
    reason: str
    passes: bool = False

    @property
    def integer(self) -> bool:
        """Whether it computes on integers."""
        return self.kind not in (FLOAT, WEIGHTS_ONLY)


@dataclass(frozen=True)
class Group:
    """Values with one scale and zero point.

    Attributes:
        values: names, in graph order.
        range: output range that an operator fixes, None: to be calibrated.
    """

    values: tuple[str, ...]
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class WeightSite:
    """Weights to be stored as integers.

    Attributes:
        node: whose they are.
        index: which input of the node they are.
        axis: dimension of the output channels.
        bits: width of what is stored.
        block: neighbours along the other dimension that share a scale; 0: one scale a channel.
    """

    node: str
    index: int
    axis: int
    bits: int = 8
    block: int = 0


@dataclass(frozen=True)
class Placement:
    """The decision for a whole graph.

    Attributes:
        decisions: one a node, in graph order.
        groups: quantized values; no value is in two groups.
        weights: quantized weights.
    """

    decisions: tuple[Decision, ...]
    groups: tuple[Group, ...]
    weights: tuple[WeightSite, ...]

    def values(self) -> Iterator[str]:
        """Names of all values that get a Q/DQ pair."""
        for group in self.groups:
            yield from group.values


def place(
    model: ir.Model,
    recipe: Recipe,
    target: Target,
    coarse: Mapping[str, float] | None = None,
    unfixed: Set[str] = frozenset(),
) -> Placement:
    """Decide what becomes of each node.

    Args:
        model: float graph in normal form.
        recipe: what to do.
        target: what the device can run.
        coarse: values that stay float -> the SQNR in dB with which the recipe's width holds them.
        unfixed: values that the range which their operator fixes does not hold so well.
    """
    return _Placer(model, recipe, target, coarse or {}, unfixed).place()


class _Placer:
    def __init__(
        self,
        model: ir.Model,
        recipe: Recipe,
        target: Target,
        coarse: Mapping[str, float],
        unfixed: Set[str],
    ) -> None:
        self.graph = model.graph
        self.recipe = recipe
        self.target = target
        self.coarse = coarse
        self.unfixed = unfixed
        self.bits = None if recipe.activations is None else recipe.activations.bits
        self.kind = f"int{self.bits}"
        self.decisions: dict[str, Decision] = {}
        self.fused: dict[ir.Node, ir.Node] = {}  # operator -> activation that it applies
        self.integer: dict[ir.Node, Capability] = {}

    def place(self) -> Placement:
        for node in self.graph:
            if str(node.name) not in self.decisions:
                self._decide(node)
        self._drop_lone_arithmetic()
        self._spread_pass_through()
        return Placement(
            decisions=tuple(self.decisions[str(node.name)] for node in self.graph),
            groups=self._groups(),
            weights=tuple(site for node in self.graph if (site := self._weight_site(node))),
        )

    # One node

    def _decide(self, node: ir.Node) -> None:
        capability = self.target.capabilities.get(node.op_type)
        if capability is None:
            reason = f"target {self.target.name} has no integer {node.op_type}"
            return self._note(node, FLOAT, reason)
        obstacle = self._obstacle(node, capability)
        if obstacle:
            return self._decide_weights_only(node, capability, obstacle)
        return self._decide_integer(node, capability)

    def _obstacle(self, node: ir.Node, capability: Capability) -> str:
        """Why the node's activations stay float; "" if nothing stands in the way."""
        choice = self.recipe.override_for(str(node.name)).quantize
        if choice != "all":
            return f"the recipe's override says quantize = {choice!r}"
        if self.bits is None:
            return f"recipe {self.recipe.name} leaves activations in float"
        if self.bits not in capability.activations:
            return f"target {self.target.name} has no {self.bits}-bit {node.op_type}"
        if not data_inputs(node) or not is_float(node.outputs[0]):
            return "it does not compute float32"
        if capability.role is Role.LOOKUP and constant(node.inputs[0]) is not None:
            return "rows of a table are looked up and used in float"
        return self._shape_obstacle(node, capability) or self._range_obstacle(node, capability)

    def _shape_obstacle(self, node: ir.Node, capability: Capability) -> str:
        if not is_plain(node):
            return f"integer {node.op_type} kernels do not take its attributes"
        if node.op_type == "Mul" and any(_is_huge(value) for value in node.inputs):
            return "its factor is that of a mask, farther than integer kernels scale"
        if capability.role is not Role.WEIGHTED:
            return ""
        if weighted(node) is None and node.op_type != "MatMul":
            return "its weights or bias are computed at run time"
        return ""

    def _range_obstacle(self, node: ir.Node, capability: Capability) -> str:
        if capability.role is Role.FIXED and str(node.outputs[0].name) in self.unfixed:
            return "its values are too small for the step that integer kernels fix (min_sqnr)"
        last = fused_activation(node, capability.fuses) or node
        for value in (*data_inputs(node), *node.outputs, *last.outputs):
            if str(value.name) in self.coarse:
                return f"{self.bits} bits hold its values with less SQNR than min_sqnr (outliers)"
        return ""

    def _decide_integer(self, node: ir.Node, capability: Capability) -> None:
        if _role(node, capability) is Role.PASS_THROUGH:
            # Whether it moves integers is known when its neighbours are: _spread_pass_through.
            parts = self._joins_outputs(node)
            return self._note(node, FLOAT, OWN_SCALES if parts else "it only moves float values")
        self.integer[node] = capability
        self._note(node, self.kind, self._wider(node, capability))
        activation = fused_activation(node, capability.fuses)
        if activation is not None:
            self.fused[node] = activation
            self._note(activation, self.kind, f"fused into {node.name}")
        return None

    def _decide_weights_only(self, node: ir.Node, capability: Capability, obstacle: str) -> None:
        allowed = self.recipe.override_for(str(node.name)).quantize != "none"
        wide_enough = any(
            b >= self.recipe.weight_bits(str(node.name)) for b in capability.weight_only
        )
        if allowed and wide_enough and self._weight_axis(node) is not None:
            return self._note(node, WEIGHTS_ONLY, self._undivided(node) or obstacle)
        return self._note(node, FLOAT, obstacle)

    def _note(self, node: ir.Node, kind: str, reason: str, passes: bool = False) -> None:
        name = str(node.name)
        self.decisions[name] = Decision(name, node.op_type, kind, reason, passes)

    # Weights

    def _weighted(self, node: ir.Node) -> Weighted | None:
        capability = self.target.capabilities[node.op_type]
        return weighted(node) if capability.role is Role.WEIGHTED else None

    def _weight_axis(self, node: ir.Node) -> int | None:
        capability = self.target.capabilities[node.op_type]
        if capability.role is Role.LOOKUP:
            table = constant(node.inputs[0])
            large = table is not None and is_float(node.inputs[0]) and table.ndim == 2
            return 0 if large and table is not None and table.size >= SMALLEST_TABLE else None
        site = self._weighted(node)
        return None if site is None else site.axis

    def _weight_site(self, node: ir.Node) -> WeightSite | None:
        decision = self.decisions[str(node.name)]
        if decision.kind == FLOAT or (decision.integer and self._weighted(node) is None):
            return None
        axis = self._weight_axis(node)
        index = 0 if self.target.capabilities[node.op_type].role is Role.LOOKUP else 1
        if axis is None:
            return None
        return WeightSite(
            str(node.name), index, axis, self._bits(node, decision.integer), self._block(node)
        )

    def _bits(self, node: ir.Node, integer: bool) -> int:
        """The width that the recipe asks for, or the next one that the target's kernels take."""
        capability = self.target.capabilities[node.op_type]
        allowed = capability.weights if integer else capability.weight_only
        wanted = (
            max(WEIGHT_BITS) if self._undivided(node) else self.recipe.weight_bits(str(node.name))
        )
        return min((bits for bits in allowed if bits >= wanted), default=wanted)

    def _wider(self, node: ir.Node, capability: Capability) -> str:
        """That weights get more bits than the recipe asks for; "" where they do not."""
        wanted = self.recipe.weight_bits(str(node.name))
        if capability.role is not Role.WEIGHTED or wanted in capability.weights:
            return ""
        bits = self._bits(node, integer=True)
        return f"target {self.target.name} has no {wanted}-bit {node.op_type}: {bits} bits"

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
        lookup = self.target.capabilities[node.op_type].role is Role.LOOKUP
        weight, axis = constant(node.inputs[0 if lookup else 1]), self._weight_axis(node)
        return 0 if weight is None or axis is None else int(weight.shape[1 - axis])

    def _undivided(self, node: ir.Node) -> str:
        """That no block divides the depth; "" where one does."""
        narrow = self.recipe.weight_bits(str(node.name)) <= FEW_BITS
        if not self._wants_blocks(node) or not narrow or self._block(node):
            return ""
        return (
            f"blocks of {self.recipe.weights.block} do not divide its depth of "
            f"{self._depth(node)}: {max(WEIGHT_BITS)} bits a channel"
        )

    # Arithmetic between float neighbours

    def _drop_lone_arithmetic(self) -> None:
        """A sum that a float operator feeds and only float operators read gains nothing."""
        lone = [node for node in self.graph if node in self.integer and self._is_lone(node)]
        for node in lone:
            reason = "the operators around it stay float"
            self._note(node, FLOAT, reason)
            del self.integer[node]
            if activation := self.fused.pop(node, None):
                self._note(activation, FLOAT, reason)

    def _is_lone(self, node: ir.Node) -> bool:
        if self.integer[node].role is not Role.ARITHMETIC or self._weighted(node) is not None:
            return False
        outputs = self.fused.get(node, node).outputs
        readers = [reader for output in outputs for reader in consumers(output)]
        kept = any(output.is_graph_output() for output in outputs)
        if kept or not readers or not all(self._stays_float(reader) for reader in readers):
            return False
        makers = [value.producer() for value in data_inputs(node)]
        return any(maker is not None and self._stays_float(maker) for maker in makers)

    def _stays_float(self, node: ir.Node) -> bool:
        return not self._is_integer(node) and not self._may_pass_integers(node)

    # Pass-through operators follow their neighbours

    def _spread_pass_through(self) -> None:
        waiting = [node for node in self.graph if self._may_pass_integers(node)]
        while True:
            ready = [node for node in waiting if self._touches_integers(node)]
            if not ready:
                return
            for node in ready:
                self.integer[node] = self.target.capabilities[node.op_type]
                self._note(node, self.kind, "", passes=True)
            waiting = [node for node in waiting if node not in self.integer]

    def _may_pass_integers(self, node: ir.Node) -> bool:
        capability = self.target.capabilities.get(node.op_type)
        return (
            capability is not None
            and _role(node, capability) is Role.PASS_THROUGH
            and not self._joins_outputs(node)
            and not self._obstacle(node, capability)
        )

    def _joins_outputs(self, node: ir.Node) -> bool:
        """Whether it joins values that nothing computes with any more.

        Outputs are float in the end. One scale for a detector's boxes (0..640) and scores (0..1)
        would leave the scores no steps; so each part is dequantized by its own.
        """
        return len(data_inputs(node)) > 1 and self._only_moves_on(node)

    def _only_moves_on(self, node: ir.Node) -> bool:
        capability = self.target.capabilities.get(node.op_type)
        if capability is None or _role(node, capability) is not Role.PASS_THROUGH:
            return False
        readers = [reader for output in node.outputs for reader in consumers(output)]
        return all(self._only_moves_on(reader) for reader in readers)

    def _touches_integers(self, node: ir.Node) -> bool:
        if any(self._is_integer(value.producer()) for value in data_inputs(node)):
            return True
        readers = [r for output in node.outputs for r in consumers(output)]
        ends = any(output.is_graph_output() for output in node.outputs)
        return bool(readers) and not ends and all(self._is_integer(reader) for reader in readers)

    def _is_integer(self, node: ir.Node | None) -> bool:
        return node is not None and (node in self.integer or node in self.fused.values())

    # Values and their groups

    def _groups(self) -> tuple[Group, ...]:
        scales = _Union()
        for node in self.graph:
            if node in self.integer:
                self._join(node, scales)
        return scales.groups()

    def _join(self, node: ir.Node, scales: _Union) -> None:
        capability = self.integer[node]
        role = _role(node, capability)
        outputs = self.fused.get(node, node).outputs
        inputs = data_inputs(node)[:1] if self._weighted(node) else data_inputs(node)
        read = [str(value.name) for value in inputs]
        written = [str(value.name) for value in outputs if is_float(value)]
        for name in (*read, *written):
            scales.add(name)
        if role is Role.PASS_THROUGH:
            scales.join(read, written)
        elif role is Role.FIXED:
            scales.fix(written[0], capability.range)


def _is_huge(value: ir.Value | None) -> bool:
    array = constant(value)
    return array is not None and bool(np.max(np.abs(array), initial=0) >= HUGE_FACTOR)


def _role(node: ir.Node, capability: Capability) -> Role:
    """A lookup in a computed tensor moves values, as any other pass-through operator."""
    if capability.role is Role.LOOKUP and constant(node.inputs[0]) is None:
        return Role.PASS_THROUGH
    return capability.role


class _Union:
    """Disjoint sets of value names, each with a fixed range or none."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._range: dict[str, tuple[float, float]] = {}

    def add(self, name: str) -> None:
        self._parent.setdefault(name, name)

    def fix(self, name: str, bounds: tuple[float, float] | None) -> None:
        if bounds is not None:
            self._range[self._root(name)] = bounds

    def join(self, inputs: Iterable[str], outputs: Iterable[str]) -> None:
        """Make one set of a pass-through operator's values.

        An input whose range is fixed otherwise than the others' stays out of it (a Sigmoid that is
        concatenated with a convolution): it is quantized anew in front of the operator.
        """
        roots = list(dict.fromkeys(self._root(name) for name in inputs))
        agree = len({self._range.get(root) for root in roots}) == 1
        members = [root for root in roots if agree or root not in self._range]
        head, *rest = (*members, *map(self._root, outputs))
        for root in rest:
            self._parent[root] = head

    def groups(self) -> tuple[Group, ...]:
        members: dict[str, list[str]] = {}
        for name in self._parent:
            members.setdefault(self._root(name), []).append(name)
        return tuple(Group(tuple(v), self._range.get(root)) for root, v in members.items())

    def _root(self, name: str) -> str:
        while self._parent[name] != name:
            name = self._parent[name]
        return name
