"""The steps of the accuracy-aware loop: recipes from the cheapest algorithm to the dearest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edgesdk_quant.recipe import Recipe, Search

# Some layers get eight bits: share of the bytes between four bits everywhere and eight.
WIDER = (0.2, 0.5)


def steps_of(recipe: Recipe) -> Mapping[str, Recipe]:
    """Name of each step -> its recipe, in the order of their cost.

    Ranges by minimum and maximum, then by squared error; equalization and bias correction;
    roundings that are chosen one layer after another (sequential MSE, GPTQ); distillation behind
    them, where the recipe has it; roundings that are learnt block after block (AdaRound); more bits
    for the layers that four hurt most, at last for all.
    """
    plain = _rounding(recipe, "nearest", equalization=False, mixing=False, bias_correction=False)
    better, learnt = _ranges(recipe, "mse"), recipe.algorithms.distillation

    def step(rounding: str, distillation: int = 0) -> Recipe:
        switches = {"equalization": True, "bias_correction": True, "distillation": distillation}
        return _rounding(better, rounding, **switches)

    steps = {
        "minmax ranges": _ranges(plain, "minmax"),
        "mse ranges": _ranges(plain, "mse"),
        "equalization + bias correction": step("nearest"),
        "sequential MSE": step("sequential_mse"),
        "GPTQ": step("gptq"),
    }
    if learnt:
        steps["GPTQ and distillation"] = step("gptq", learnt)
    steps["AdaRound"] = step("adaround")  # which learns all samples: none is left to judge
    if recipe.weights.bits == 4:
        search = recipe.search or Search()
        for share in WIDER:
            wider = replace(search, budget=share, unit="extra_share", file_share=0.0)
            name = f"AdaRound, {share:.0%} of the way to 8 bits"
            steps[name] = replace(steps["AdaRound"], search=wider)
        eight = replace(step("nearest"), search=None)
        steps["8 bits for all weights"] = replace(eight, weights=replace(eight.weights, bits=8))
    return steps


def _rounding(recipe: Recipe, rounding: str, **switches: Any) -> Recipe:
    return replace(recipe, algorithms=replace(recipe.algorithms, rounding=rounding, **switches))


def _ranges(recipe: Recipe, method: str) -> Recipe:
    weights = replace(recipe.weights, range=method)
    activations = recipe.activations and replace(recipe.activations, range=method)
    return replace(recipe, weights=weights, activations=activations)
