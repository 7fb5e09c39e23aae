"""Where Q/DQ go: which operators run on integers, and which values share one scale."""

from __future__ import annotations

from collections.abc import Mapping, Set

import onnx_ir as ir

from edgesdk_quant.capability import Capability, Role, Target
from edgesdk_quant.graph import consumers
from edgesdk_quant.operators import data_inputs, fused_activation, is_float
from edgesdk_quant.placement.decision import (
    FLOAT,
    WEIGHTS_ONLY,
    Decision,
    Group,
    Placement,
    WeightSite,
)
from edgesdk_quant.placement.obstacles import Conditions
from edgesdk_quant.placement.roles import role_of, weighted_by
from edgesdk_quant.placement.scales import Scales
from edgesdk_quant.placement.weight_sites import WeightRules
from edgesdk_quant.recipe import Recipe

# Operators that take no longer in float than what would turn their integers into floats.
CHEAP = frozenset({"Add", "Mul", "Sub"})
OWN_SCALES = "each of the outputs that it joins keeps its own scale"
# What holds graphs of its own, into which no quantizer goes -> what to do about it.
NESTED = {
    "If": "layers in its branches stay float; to quantize them compute both and choose by Where",
    "Loop": "layers in a loop of unknown or great length stay float; a short fixed one is unrolled",
    "Scan": "layers in a loop of unknown or great length stay float; a short fixed one is unrolled",
}


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
    return _Placer(model.graph, Conditions(recipe, target, coarse or {}, unfixed)).place()


class _Placer:
    def __init__(self, graph: ir.Graph, conditions: Conditions) -> None:
        self.graph = graph
        self.conditions = conditions
        self.target = conditions.target
        self.weights = WeightRules(conditions.recipe, conditions.target)
        self.kind = f"int{conditions.bits}"
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

    def _note(self, node: ir.Node, kind: str, reason: str, passes: bool = False) -> None:
        name = str(node.name)
        self.decisions[name] = Decision(name, node.op_type, kind, reason, passes)

    # One node

    def _decide(self, node: ir.Node) -> None:
        capability = self.target.capabilities.get(node.op_type)
        if capability is None:
            reason = NESTED.get(node.op_type) or (
                f"target {self.target.name} has no integer {node.op_type}"
            )
            return self._note(node, FLOAT, reason)
        obstacle = self.conditions.obstacle(node, capability)
        if not obstacle:
            return self._decide_integer(node, capability)
        if self.weights.alone(node):
            return self._note(node, WEIGHTS_ONLY, self.weights.undivided(node) or obstacle)
        return self._note(node, FLOAT, obstacle)

    def _decide_integer(self, node: ir.Node, capability: Capability) -> None:
        if role_of(node, capability) is Role.PASS_THROUGH:
            # Whether it moves integers is known when its neighbours are: _spread_pass_through.
            parts = self._joins_outputs(node)
            return self._note(node, FLOAT, OWN_SCALES if parts else "it only moves float values")
        self.integer[node] = capability
        self._note(node, self.kind, self.weights.wider(node))
        activation = fused_activation(node, capability.fuses)
        if activation is not None:
            self.fused[node] = activation
            self._note(activation, self.kind, f"fused into {node.name}")
        return None

    def _weight_site(self, node: ir.Node) -> WeightSite | None:
        decision = self.decisions[str(node.name)]
        return None if decision.kind == FLOAT else self.weights.site(node, decision.integer)

    # Arithmetic between float neighbours

    def _drop_lone_arithmetic(self) -> None:
        """What float operators read gains nothing by being rounded first."""
        chains = self._read_as_floats()
        lone = [n for n in self.graph if n in self.integer and (n in chains or self._is_lone(n))]
        for node in lone:
            reason = "the operators around it stay float"
            self._note(node, FLOAT, reason)
            del self.integer[node]
            if activation := self.fused.pop(node, None):
                self._note(activation, FLOAT, reason)

    def _read_as_floats(self) -> set[ir.Node]:
        """Sums and products that float operators, and such sums and products, alone read.

        The residual stream of a transformer is one: its norms are float. It costs no more, and
        rows that are small beside others keep their bits until their norm makes them large.
        """
        found = {node for node in self.graph if node in self.integer and node.op_type in CHEAP}
        while True:
            read_else = {node for node in found if not self._feeds_floats(node, found)}
            if not read_else:
                return found
            found -= read_else

    def _feeds_floats(self, node: ir.Node, others: Set[ir.Node] = frozenset()) -> bool:
        """Whether only operators that stay float, and those others, read what it makes."""
        outputs = self.fused.get(node, node).outputs
        readers = [reader for output in outputs for reader in consumers(output)]
        kept = any(output.is_graph_output() for output in outputs)
        floats = all(reader in others or self._stays_float(reader) for reader in readers)
        return bool(readers) and not kept and floats

    def _is_lone(self, node: ir.Node) -> bool:
        """Whether a float operator feeds it and only float operators read it."""
        if self.integer[node].role is not Role.ARITHMETIC or not self._feeds_floats(node):
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
            and role_of(node, capability) is Role.PASS_THROUGH
            and not self._joins_outputs(node)
            and not self.conditions.obstacle(node, capability)
        )

    def _joins_outputs(self, node: ir.Node) -> bool:
        """Whether it joins values that nothing computes with any more.

        Outputs are float in the end. One scale for a detector's boxes (0..640) and scores (0..1)
        would leave the scores no steps; so each part is dequantized by its own.
        """
        return len(data_inputs(node)) > 1 and self._only_moves_on(node)

    def _only_moves_on(self, node: ir.Node) -> bool:
        capability = self.target.capabilities.get(node.op_type)
        if capability is None or role_of(node, capability) is not Role.PASS_THROUGH:
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

    # Values that share a scale

    def _groups(self) -> tuple[Group, ...]:
        scales = Scales()
        for node in self.graph:
            if node in self.integer:
                self._join(node, scales)
        return scales.groups()

    def _join(self, node: ir.Node, scales: Scales) -> None:
        capability = self.integer[node]
        role = role_of(node, capability)
        outputs = self.fused.get(node, node).outputs
        activations = data_inputs(node)
        inputs = activations[:1] if weighted_by(node, capability) else activations
        read = [str(value.name) for value in inputs]
        written = [str(value.name) for value in outputs if is_float(value)]
        for name in (*read, *written):
            scales.add(name)
        if role is Role.PASS_THROUGH:
            scales.join(read, written)
        elif role is Role.FIXED:
            scales.fix(written[0], capability.range)
