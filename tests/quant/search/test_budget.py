"""Budgets as users write them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgesdk_quant.recipe import Recipe, Search
from edgesdk_quant.search.budget import Limit, parse_budget
from edgesdk_runtimes.errors import RecipeError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.13", (0.13, "float_share")),
        ("2.4MB", (2.4e6, "bytes")),
        ("300 kB", (3e5, "bytes")),
        ("12ms", (12.0, "ms")),
        ("0.9latency", (0.9, "latency_share")),
    ],
)
def test_number_and_unit(text: str, expected: tuple[float, str]) -> None:
    assert parse_budget(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "ms", "12parsec", "1.2.3", "-"])
def test_other_texts_are_refused_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(RecipeError, match=r"is not understood; write 0\.13 .*2\.4MB, 12ms"):
        parse_budget(text)


def test_a_share_beyond_one_is_no_limit_and_refused() -> None:
    with pytest.raises(RecipeError, match=r"budget = 1\.5; give a number above 0, up to 1"):
        Recipe.load("mixed").with_budget("1.5")
    with pytest.raises(RecipeError, match='unit = "ms"'):
        Recipe.parse('name = "a"\n[search]\nbudget = 3\nunit = "latency_share"\n')


def test_a_budget_survives_the_recipe_s_text() -> None:
    recipe = replace(Recipe.load("mixed"), search=Search(budget=3.5, unit="ms"))
    assert Recipe.parse(recipe.to_toml()) == recipe
    assert Recipe.load("mixed").with_budget("3.5ms").search == replace(
        recipe.search or Search(), samples=16
    )


def test_a_budget_that_is_given_replaces_what_the_recipe_allows_the_file() -> None:
    assert Recipe.load("w4a8").search == Search(0.032, "extra_share", file_share=0.1425)
    assert Recipe.load("w4a8").with_budget("2MB").search == Search(2e6, "bytes")


def test_an_impossible_limit_says_the_least_and_the_most() -> None:
    limit = Limit(5.0, "ms", fixed=2.0, whole=10.0, share="the inference")
    limit.refuse_impossible(least=3.0, most=8.0)
    with pytest.raises(RecipeError) as caught:
        limit.refuse_impossible(least=4.0, most=8.0)
    said = str(caught.value)
    assert "A budget of 5 ms (0.5000 of the inference) is impossible" in said
    assert "takes 6 ms (0.6000 of the inference), the dearest 10 ms (1.0000" in said
