"""From calibration data to the parameters of activations, and to which of them stay float."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.calibration import Collected, Histogram, find_range
from edgesdk_quant.calibration.masks import find_scores
from edgesdk_quant.capability import Target
from edgesdk_quant.graph import constant
from edgesdk_quant.guard import expected_sqnr, too_coarse
from edgesdk_quant.placement import Group, Placement, place
from edgesdk_quant.recipe import ActivationRecipe, Recipe
from edgesdk_quant.scheme import Affine, activation_parameters, fixed_parameters

Observe = Callable[[Sequence[str]], Collected[Histogram]]


@dataclass(frozen=True)
class Settled:
    """How the activations of a graph are quantized.

    Attributes:
        placement: the one that was asked for, less what the recipe's width cannot hold.
        parameters: of every value of the placement; one object for each group.
        histograms: value name -> counts of what it was on the calibration samples.
        coarse: values that stay float -> the SQNR in dB that the recipe's width would give them.
    """

    placement: Placement
    parameters: Mapping[str, Affine]
    histograms: Mapping[str, Histogram]
    coarse: Mapping[str, float] = field(default_factory=dict)


def settle(
    model: ir.Model,
    placement: Placement,
    recipe: Recipe,
    target: Target,
    observe: Observe,
    coarse: Mapping[str, float],
) -> Settled:
    """Calibrate, and place again until each value is held as well as the recipe asks.

    Args:
        model: float graph in normal form.
        placement: of this graph.
        recipe: what to do.
        target: what the device can run.
        observe: runs the calibration data and gives the histograms of computed values by name.
        coarse: values that are to stay float, whatever the data say, as for `place`.
    """
    ranges = _Ranges(model, recipe, observe)
    if recipe.activations is None:
        return Settled(placement, {}, {})
    least, coarse, unfixed = recipe.activations.min_sqnr, dict(coarse), set[str]()
    while True:
        parameters = ranges.of(placement.groups, recipe.activations)
        merged = ranges.merged(placement.groups)
        free = {group: histogram for group, histogram in merged.items() if group.range is None}
        found = too_coarse(parameters, free, least)
        better = {
            name
            for group in merged.keys() - free.keys()
            if expected_sqnr(merged[group], parameters[group]) < least
            and ranges.holds_by_itself(group, recipe.activations)
            for name in group.values
        }
        if not found and not better:
            return Settled(
                placement,
                {name: parameters[group] for group in placement.groups for name in group.values},
                ranges.histograms,
                coarse,
            )
        coarse.update(found)
        unfixed |= better
        placement = place(model, recipe, target, coarse, unfixed)


@dataclass
class _Ranges:
    """Histograms and parameters as far as they are known."""

    model: ir.Model
    recipe: Recipe
    observe: Observe
    histograms: dict[str, Histogram] = field(default_factory=dict)
    known: dict[Group, Affine] = field(default_factory=dict)

    def of(self, groups: Sequence[Group], recipe: ActivationRecipe) -> dict[Group, Affine]:
        """Parameters of these groups; what was not seen yet is observed first."""
        self._see([name for group in groups for name in group.values])
        for group in groups:
            if group not in self.known:
                self.known[group] = self._parameters(group, recipe)
        return self.known

    def merged(self, groups: Sequence[Group]) -> dict[Group, Histogram]:
        """What the values of each group were, together."""
        return {group: self._merge(group) for group in groups}

    def holds_by_itself(self, group: Group, recipe: ActivationRecipe) -> bool:
        """Whether a range of its own would hold a group whose range an operator fixes."""
        histogram = self._merge(group)
        own = self._parameters(replace(group, range=None), recipe)
        return expected_sqnr(histogram, own) >= recipe.min_sqnr

    def _see(self, names: Sequence[str]) -> None:
        initializers = self.model.graph.initializers
        masks = {name for scores in find_scores(self.model.graph) for name in scores.names}
        for name in names:
            if name in initializers and name not in self.histograms and name not in masks:
                self.histograms[name] = _histogram(constant(initializers[name]))
        missing = [name for name in names if name not in self.histograms]
        if missing:
            self.histograms.update(self.observe(missing).observers)

    def _merge(self, group: Group) -> Histogram:
        merged = Histogram()
        for name in group.values:
            merged.merge(self.histograms[name])
        return merged

    def _parameters(self, group: Group, recipe: ActivationRecipe) -> Affine:
        if group.range is not None:
            return fixed_parameters(*group.range, recipe.bits)
        low, high = find_range(self._merge(group), recipe, self._method(group))
        if low == high == 0.0:
            low, high = self._added_to(group, recipe)
        return activation_parameters(low, high, recipe.bits)

    def _added_to(self, group: Group, recipe: ActivationRecipe) -> tuple[float, float]:
        """The range of what is added to zeros.

        They have any step; one far above that of the sum is one that LiteRT stops the process at.
        """
        others = [
            self.histograms[str(other.name)]
            for node in self.model.graph
            if node.op_type in ("Add", "Sub")
            for value, other in zip(node.inputs, node.inputs[::-1], strict=True)
            if value is not None and other is not None and value.name in group.values
            if other.name in self.histograms
        ]
        ranges = [(0.0, 0.0), *(find_range(other, recipe, "") for other in others)]
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    def _method(self, group: Group) -> str:
        """What an override says for one of the nodes that make the group's values."""
        made = set(group.values)
        makers = [
            str(node.name)
            for node in self.model.graph
            if any(output.name in made for output in node.outputs)
        ]
        methods = [self.recipe.override_for(maker).activation_range for maker in makers]
        return next((method for method in methods if method), "")


def _histogram(array: NDArray[Any] | None) -> Histogram:
    histogram = Histogram()
    if array is not None:
        histogram.add(np.asarray(array, np.float32))
    return histogram
