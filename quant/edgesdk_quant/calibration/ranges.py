"""From a histogram to the range that is kept, by the method that a recipe names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgesdk_quant.calibration import entropy, minmax, mse, percentile
from edgesdk_quant.calibration.histogram import Histogram
from edgesdk_quant.recipe import ActivationRecipe

Range = tuple[float, float]

METHODS: Mapping[str, Callable[[Histogram, ActivationRecipe], Range]] = {
    "minmax": lambda histogram, recipe: minmax.find_range(histogram),
    "percentile": lambda histogram, recipe: percentile.find_range(histogram, recipe.percentile),
    "entropy": lambda histogram, recipe: entropy.find_range(histogram),
    "mse": lambda histogram, recipe: mse.find_range(histogram, recipe.bits),
}


def find_range(histogram: Histogram, recipe: ActivationRecipe, method: str = "") -> Range:
    """The range that the recipe's method, or the one given, keeps.

    Returns:
        (low, high) with low <= 0 <= high; (0, 0) if nothing but zeros was seen.
    """
    if not histogram.low < histogram.high and histogram.low in (0.0, float("inf")):
        return 0.0, 0.0
    low, high = METHODS[method or recipe.range](histogram, recipe)
    return min(low, 0.0), max(high, 0.0)
