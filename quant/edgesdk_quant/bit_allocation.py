"""Which layer gets how many bits: measured, allocated, and written down as overrides."""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import onnx_ir as ir

from edgesdk_quant.algorithms.weight_ranges import find_parameters
from edgesdk_quant.capability import Target
from edgesdk_quant.placement import Placement, WeightSite
from edgesdk_quant.recipe import WEIGHT_BITS, Override, Recipe, Search
from edgesdk_quant.scheme import Affine
from edgesdk_quant.search import Allocation, Choice, Table, allocate_exactly, allocate_greedily
from edgesdk_quant.sensitivity import Damage, Evaluations, Judge, first_samples
from edgesdk_quant.weights import Run, measure_means, weight_at
from edgesdk_runtimes.errors import InputError

METHODS: Mapping[str, Callable[[Table, float, str], Allocation]] = {
    "ilp": allocate_exactly,
    "greedy": allocate_greedily,
}
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes:
        recipe: the recipe with one override for each layer that differs from its default width.
        table: what it chose from.
        damages: (node, bits) -> what this layer alone does to the outputs.
        allocation: what it chose.
    """

    recipe: Recipe
    table: Table
    damages: Mapping[tuple[str, int], Damage]
    allocation: Allocation


def allocate_bits(
    model: ir.Model, placement: Placement, target: Target, run: Run
) -> tuple[Placement, Searched | None]:
    """Follow the recipe's search, if it has one.

    Args:
        model: float graph in normal form.
        placement: what becomes of it; the widths of its weights are replaced.
        target: says which widths each operator takes.
        run: recipe and data.

    Raises:
        RecipeError: the budget is impossible.
        InputError: there is no data to judge by.
    """
    search = run.recipe.search
    if search is None or not placement.weights:
        return placement, None
    judge = judge_of(model, placement, target, run, search.samples)
    damages = judge.table(WEIGHT_BITS, run.progress)
    table = table_of_bytes(model, placement, damages)
    found = METHODS[search.method](table, search.budget * float_bytes(model, placement), "bytes")
    sites = tuple(replace(site, bits=found.bits[site.node]) for site in placement.weights)
    recipe = with_bits(run.recipe, found.bits)
    return replace(placement, weights=sites), Searched(recipe, table, damages, found)


def judge_of(
    model: ir.Model, placement: Placement, target: Target, run: Run, samples: int
) -> Judge:
    """Measures configurations of a placement's weights."""
    if run.data is None:
        raise InputError(
            f"Recipe {run.recipe.name} chooses widths by what they do to the outputs and needs "
            "calibration data; give calibration=... (16 samples are enough), or take [search] away."
        )
    stored = {
        (site.node, bits): _parameters(model, replace(site, bits=bits), run.recipe)
        for site in placement.weights
        for bits in allowed_bits(model, site, placement, target)
    }
    _, means = measure_means(model, placement.weights, run)
    chosen = first_samples(model, run.data, samples)
    return Judge(model, placement.weights, stored, means, chosen, Evaluations(run.workdir))


def _parameters(model: ir.Model, site: WeightSite, recipe: Recipe) -> Affine:
    return find_parameters(weight_at(model, site), site, recipe)


def allowed_bits(
    model: ir.Model, site: WeightSite, placement: Placement, target: Target
) -> list[int]:
    """Widths that the target's kernels take for a site."""
    decision = next(d for d in placement.decisions if d.node == site.node)
    capability = target.capabilities[decision.op]
    widths = capability.weights if decision.integer else capability.weight_only
    return [bits for bits in WEIGHT_BITS if bits in widths] or [site.bits]


def table_of_bytes(
    model: ir.Model, placement: Placement, damages: Mapping[tuple[str, int], Damage]
) -> Table:
    """Choices whose cost is the size of the weights in bytes."""
    sizes = {site.node: weight_at(model, site).size for site in placement.weights}
    return {
        node: [
            Choice(bits, size * bits / 8, damages[node, bits].noise)
            for bits in WEIGHT_BITS
            if (node, bits) in damages
        ]
        for node, size in sizes.items()
    }


def float_bytes(model: ir.Model, placement: Placement) -> int:
    """Size of all weights of a placement as float32."""
    return FLOAT_BYTES * sum(weight_at(model, site).size for site in placement.weights)


def with_bits(recipe: Recipe, bits: Mapping[str, int]) -> Recipe:
    """The recipe whose overrides say these widths; what its own overrides say stays."""
    own: list[Override] = []
    for node, width in bits.items():
        if width != recipe.weight_bits(node):
            before = recipe.override_for(node)
            own.append(replace(before, pattern=glob.escape(node), weight_bits=width))
    return replace(recipe, overrides=(*recipe.overrides, *own), search=None)


def search_of(recipe: Recipe, budget: float) -> Recipe:
    """The recipe with another budget."""
    return replace(recipe, search=replace(recipe.search or Search(), budget=budget))
