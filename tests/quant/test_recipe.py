"""Recipes as text: what is written is what is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgesdk_quant.recipe import ActivationRecipe, Override, Recipe, WeightRecipe, names


@pytest.mark.parametrize("name", names())
def test_shipped_recipes_survive_as_text(name: str) -> None:
    assert Recipe.parse(Recipe.load(name).to_toml()) == Recipe.load(name)


def test_zeros_and_falsehoods_survive_as_text() -> None:
    recipe = Recipe(
        "mine",
        weights=WeightRecipe(symmetric=False),
        activations=ActivationRecipe(min_sqnr=0.0),
        overrides=(Override("a*", weight_bits=8), Override("b", quantize="none")),
    )
    assert Recipe.parse(recipe.to_toml()) == recipe


def test_without_data_optional_algorithms_are_left_out() -> None:
    w4 = Recipe.load("w4")
    strict = replace(w4, algorithms=replace(w4.algorithms, optional=False))
    assert w4.for_data(False).algorithms.rounding == "nearest"
    assert w4.for_data(True) == w4
    assert strict.for_data(False) == strict
