"""Budgets of a search: what the weights may take, or how long an inference may last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edgesdk_runtimes.errors import RecipeError

BYTES, MILLISECONDS = "bytes", "ms"


@dataclass(frozen=True)
class Unit:
    """What the number of a budget counts.

    Attributes:
        cost: BYTES of the weights, scales left out, or MILLISECONDS of a whole inference.
        share: of what it is a share; "" for a plain amount.
    """

    cost: str
    share: str = ""


# How a recipe calls it -> what it is.
UNITS: Mapping[str, Unit] = {
    "float_share": Unit(BYTES, "the float weights"),
    "extra_share": Unit(BYTES, "the bytes between each layer's narrowest width and its widest"),
    "bytes": Unit(BYTES),
    "ms": Unit(MILLISECONDS),
    "latency_share": Unit(MILLISECONDS, "the inference with 8-bit weights everywhere"),
}
# What a user writes behind the number -> its unit, and what it is times.
SUFFIXES: Mapping[str, tuple[str, float]] = {
    "": ("float_share", 1),
    "b": ("bytes", 1),
    "kb": ("bytes", 1e3),
    "mb": ("bytes", 1e6),
    "ms": ("ms", 1),
    "latency": ("latency_share", 1),
}
FORMS = (
    "write 0.13 (of the float weights), 2.4MB, 12ms, or 0.9latency (of an inference with 8-bit "
    "weights)"
)


def parse_budget(text: str) -> tuple[float, str]:
    """Number and unit of a budget such as "2.4MB".

    Raises:
        RecipeError: it is not understood.
    """
    match = re.fullmatch(r"\s*([0-9.eE+-]+)\s*([a-zA-Z]*)\s*", text)
    try:
        unit, factor = SUFFIXES[match[2].lower()] if match else SUFFIXES["?"]
        return float(match[1] if match else "") * factor, unit
    except (KeyError, ValueError):
        raise RecipeError(f"The budget {text!r} is not understood; {FORMS}.") from None


@dataclass(frozen=True)
class Limit:
    """A budget for one model.

    Attributes:
        amount: most that all may cost together, in units of `unit`.
        unit: BYTES or MILLISECONDS.
        fixed: what is spent whatever is chosen; for latency the rest of the network, less what
            fused operators save.
        whole: what shares are shares of, 0 without.
        share: how errors call that.
    """

    amount: float
    unit: str
    fixed: float = 0.0
    whole: float = 0.0
    share: str = ""

    @property
    def left(self) -> float:
        """What the choices may cost."""
        return self.amount - self.fixed

    def refuse_impossible(self, least: float, most: float) -> None:
        """Refuse a limit that the cheapest choices break.

        Args:
            least: what the cheapest choices cost.
            most: what the dearest choices cost.

        Raises:
            RecipeError: says the least and the most that can be spent.
        """
        if least <= self.left:
            return
        ends = [self._words(cost + self.fixed) for cost in (least, most)]
        raise RecipeError(
            f"A budget of {self._words(self.amount)} is impossible: the cheapest choice of every "
            f"layer takes {ends[0]}, the dearest {ends[1]}. Give a budget from the first on, or "
            "let more layers have the cheaper width (overrides forbid it, or the target does)."
        )

    def _words(self, amount: float) -> str:
        figure = f"{amount:,.6g} {self.unit}"
        return f"{figure} ({amount / self.whole:.4f} of {self.share})" if self.whole else figure
