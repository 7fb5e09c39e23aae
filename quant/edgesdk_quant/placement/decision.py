"""What becomes of a graph: each node's kind, the values that share a scale, the weights stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FLOAT = "float"
WEIGHTS_ONLY = "weights"


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
