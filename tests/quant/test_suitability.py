"""Recipes that a target cannot run say what was asked for, what is possible and what would work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from edgesdk_quant.capability import Capability, Role, Target
from edgesdk_quant.graph import load, normalize
from edgesdk_quant.pipeline import quantize
from edgesdk_quant.recipe import Override, Recipe, WeightRecipe, names
from edgesdk_quant.suitability import refuse_unsuited
from edgesdk_runtimes.errors import RecipeError
from edgesdk_targets import load as load_target
from tests.edgesdk.small_network import network

GRAPH = normalize(load(network()))
EIGHT = frozenset({8})


NONE = frozenset[int]()


def target(activations: frozenset[int], weights: frozenset[int], only: frozenset[int]) -> Target:
    conv = Capability(Role.WEIGHTED, activations, weights, weight_only=only)
    capabilities: Mapping[str, Capability] = {"Conv": conv, "Gemm": conv}
    return Target("tiny", "a device", "none", capabilities)


def refusal(recipe: Recipe, device: Target | None = None) -> str:
    with pytest.raises(RecipeError) as caught:
        refuse_unsuited(GRAPH, recipe, device or load_target("generic"))
    return str(caught.value)


def test_activations_that_no_kernel_takes_name_the_recipes_that_run() -> None:
    device = target(EIGHT, EIGHT, EIGHT)
    said = refusal(Recipe.load("w8a16"), device)
    assert "asks for 16-bit activations, and target tiny has integer kernels for 8 bits" in said
    assert said.endswith("Recipes that it can run: mixed, w4, w4a8, w7a8, w8, w8-dynamic, w8a8.")


def test_weight_only_recipes_need_such_kernels() -> None:
    said = refusal(Recipe.load("w4"), target(EIGHT, EIGHT, NONE))
    assert "4-bit weights beside float activations, and target tiny has kernels for none" in said
    assert said.endswith("Recipes that it can run: mixed, w4a8, w7a8, w8a8.")


def test_a_target_without_weighted_kernels_runs_no_recipe() -> None:
    assert refusal(Recipe.load("w8a8"), target(NONE, NONE, NONE)).endswith("It can run no recipe.")


@pytest.mark.parametrize(
    ("weights", "advice"),
    [
        (WeightRecipe(4, "block"), 'granularity = "channel"'),
        (WeightRecipe(4, symmetric=False), "symmetric = true"),
    ],
)
def test_weights_that_integer_kernels_cannot_multiply(weights: WeightRecipe, advice: str) -> None:
    assert advice in refusal(replace(Recipe.load("w4a8"), search=None, weights=weights))


def test_awq_is_for_weights_alone() -> None:
    recipe = Recipe.load("w8a8")
    recipe = replace(recipe, algorithms=replace(recipe.algorithms, scaling="awq"))
    assert 'AWQ is for weights alone. Write scaling = "smoothquant"' in refusal(recipe)


def test_smoothquant_is_for_quantized_activations() -> None:
    recipe = Recipe.load("w4")
    recipe = replace(recipe, algorithms=replace(recipe.algorithms, scaling="smoothquant"))
    assert 'Write scaling = "awq"' in refusal(recipe)


def test_an_override_cannot_force_a_width_that_the_operator_lacks() -> None:
    device = target(EIGHT, EIGHT, EIGHT)
    forced = replace(Recipe.load("w8a8"), overrides=(Override("inn*", weight_bits=4),))
    said = refusal(forced, device)
    assert "override 'inn*' asks for 4-bit weights for inner (Conv)" in said
    assert "has kernels for 8 bits. Write weight_bits = 8 there" in said
    refuse_unsuited(GRAPH, forced, load_target("generic"))


def test_quantize_refuses_before_it_asks_for_data() -> None:
    device = target(EIGHT, EIGHT, EIGHT)
    with pytest.raises(RecipeError, match="16-bit activations"):
        quantize(GRAPH, None, Recipe.load("w8a16"), device)


@pytest.mark.parametrize("name", ["generic", "raspberrypi4", "raspberrypi3-32", "x86-avx2"])
def test_every_shipped_target_runs_every_shipped_recipe(name: str) -> None:
    for recipe in names():
        refuse_unsuited(GRAPH, Recipe.load(recipe), load_target(name))
