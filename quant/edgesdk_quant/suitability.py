"""Whether a target can run what a recipe asks for; refused before any work begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx_ir as ir

from edgesdk_quant.capability import Role, Target
from edgesdk_quant.recipe import Recipe, names
from edgesdk_runtimes.errors import RecipeError


def refuse_unsuited(model: ir.Model, recipe: Recipe, target: Target) -> None:
    """Refuse a recipe that contradicts itself, or that the target has no kernels for.

    Args:
        model: float graph in normal form.
        recipe: what is asked for.
        target: what the device can run.

    Raises:
        RecipeError: says what was asked for, what is possible and what to choose instead.
    """
    missing = [f"{obstacle} {_instead(target)}" for obstacle in _missing(recipe, target)]
    obstacles = [*_contradictions(recipe), *missing, *_forced(model, recipe, target)]
    if obstacles:
        raise RecipeError(obstacles[0])


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """Weights that no integer kernel multiplies with integer activations."""
    if recipe.activations is None:
        if recipe.algorithms.scaling == "smoothquant":
            yield (
                f"Recipe {recipe.name} smooths activations that it leaves in float. Write "
                'scaling = "awq", which is for weights alone, or give it [activations].'
            )
        return
    if recipe.weights.granularity == "block":
        yield (
            f"Recipe {recipe.name} has weights in blocks and {recipe.activations.bits}-bit "
            "activations: integer kernels sum whole rows under one scale. Write granularity = "
            '"channel", or take [activations] away.'
        )
    if not recipe.weights.symmetric:
        yield (
            f"Recipe {recipe.name} has weights with zero points and {recipe.activations.bits}-bit "
            "activations: integer kernels need zero points 0. Write symmetric = true, or take "
            "[activations] away."
        )
    if recipe.algorithms.scaling == "awq":
        yield (
            f"Recipe {recipe.name} scales inputs by AWQ beside {recipe.activations.bits}-bit "
            'activations: AWQ is for weights alone. Write scaling = "smoothquant", or take '
            "[activations] away."
        )


def _missing(recipe: Recipe, target: Target) -> Iterator[str]:
    """Widths that no operator with weights has on the target."""
    weighted = [c for c in target.capabilities.values() if c.role is Role.WEIGHTED]
    weights = recipe.weights.bits
    if recipe.activations is None:
        only = _union(c.weight_only for c in weighted)
        if not any(bits >= weights for bits in only):
            yield (
                f"Recipe {recipe.name} asks for {weights}-bit weights beside float activations, "
                f"and target {target.name} has kernels for {_widths(only)}."
            )
        return
    bits, possible = recipe.activations.bits, _union(c.activations for c in weighted)
    if bits not in possible:
        yield (
            f"Recipe {recipe.name} asks for {bits}-bit activations, and target {target.name} has "
            f"integer kernels for {_widths(possible)}."
        )


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*sets)


def _widths(bits: frozenset[int]) -> str:
    return f"{' and '.join(map(str, sorted(bits)))} bits" if bits else "none"


def _instead(target: Target) -> str:
    """The recipes that ship and that the target can run."""
    shipped = [Recipe.load(name) for name in names()]
    fit = [r.name for r in shipped if not any(_missing(r, target))]
    return f"Recipes that it can run: {', '.join(fit)}." if fit else "It can run no recipe."


def _forced(model: ir.Model, recipe: Recipe, target: Target) -> Iterator[str]:
    """Widths that overrides force on operators without such kernels."""
    for node in model.graph:
        override = recipe.override_for(str(node.name))
        wanted, capability = override.weight_bits, target.capabilities.get(node.op_type)
        if not wanted or capability is None or override.quantize == "none":
            continue
        floats = recipe.activations is None or override.quantize == "weights"
        allowed = capability.weight_only if floats else capability.weights
        if allowed and wanted not in allowed:
            yield (
                f"The override {override.pattern!r} asks for {wanted}-bit weights for {node.name} "
                f"({node.op_type}), and target {target.name} has kernels for {_widths(allowed)}. "
                f"Write weight_bits = {min(allowed)} there, or leave it out."
            )
