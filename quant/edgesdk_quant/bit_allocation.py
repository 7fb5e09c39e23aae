"""Which layer gets how many bits: measured, allocated, and written down as overrides."""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import onnx_ir as ir

from edgesdk_quant.capability import Target
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.placement import Placement
from edgesdk_quant.recipe import SEARCHED_BITS, Override, Recipe, Search
from edgesdk_quant.scheme import Affine
from edgesdk_quant.search import (
    Allocation,
    Table,
    allocate_exactly,
    allocate_greedily,
    extremes,
    pareto_front,
)
from edgesdk_quant.search.budget import BYTES, UNITS, Limit
from edgesdk_quant.search.latency import LatencyTable
from edgesdk_quant.search.whole import Whole, allocate_measured
from edgesdk_quant.sensitivity import Damage, Evaluations, Judge, first_samples
from edgesdk_quant.weights import Run, measure_means
from edgesdk_quant.widths import (
    allowed_bits,
    bytes_beside,
    bytes_of,
    float_bytes,
    latencies_of,
    parameters_at,
    table_of,
    whole_latency,
)
from edgesdk_runtimes.errors import InputError

METHODS: Mapping[str, Callable[[Table, float, str], Allocation]] = {
    "ilp": allocate_exactly,
    "greedy": allocate_greedily,
}


@dataclass(frozen=True)
class Configuration:
    """Widths for all layers, and what comes of them.

    Attributes:
        bits: node name -> width.
        weight_bytes: size of the weights, scales left out.
        latency_ms: by the latency table; None without one.
        damage: measured with all layers rounded at once.
        chosen: this is the one that was taken.
    """

    bits: Mapping[str, int]
    weight_bytes: int
    latency_ms: float | None
    damage: Damage
    chosen: bool = False


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes:
        recipe: the recipe with one override for each layer that differs from its default width.
        table: what it chose from.
        damages: (node, bits) -> what this layer alone does to the outputs.
        allocation: what it chose.
        front: the best for each budget, from the cheapest on, the chosen one among them.
        unit: BYTES or MILLISECONDS, what the budget was of.
        latencies: the latency table; None for a budget of bytes.
        whole: what the chosen network takes as it really runs; None for a budget of bytes.
    """

    recipe: Recipe
    table: Table
    damages: Mapping[tuple[str, int], Damage]
    allocation: Allocation
    front: tuple[Configuration, ...]
    unit: str
    latencies: LatencyTable | None
    whole: Whole | None = None


def allocate_bits(
    model: ir.Model,
    placement: Placement,
    activations: Mapping[str, Affine],
    target: Target,
    run: Run,
) -> tuple[Placement, Searched | None]:
    """Follow the recipe's search, if it has one.

    Args:
        model: float graph in normal form.
        placement: what becomes of it; the widths of its weights are replaced.
        activations: parameters of every value of the placement.
        target: says which widths each operator takes.
        run: recipe, data, and a clock where the budget is of latency.

    Raises:
        RecipeError: the budget is impossible.
        InputError: there is no data to judge by, or no clock.
    """
    search = run.recipe.search
    if search is None or not placement.weights:
        return placement, None
    widths = {s.node: allowed_bits(s, placement, run.recipe, target) for s in placement.weights}
    latencies = latencies_of(model, placement, activations, widths, run)
    costs = bytes_of(model, placement, widths) if latencies is None else latencies.layers_ms
    least, most = extremes(table_of(costs, {}))
    limit = _limit(search, latencies, float_bytes(model, placement), least, most)
    limit.refuse_impossible(least, most)
    limit = _within_file(limit, search, model, placement, least)
    judge = judge_of(model, placement, target, run, search.samples)
    damages = judge.table(SEARCHED_BITS, run.progress)
    table = table_of(costs, damages)
    method = METHODS[search.method]
    whole = None
    if latencies is None:
        found = method(table, limit.left, limit.unit)
    else:
        found, whole = allocate_measured(
            table, limit, method,
            lambda bits: whole_latency(model, placement, activations, bits, latencies, run),
        )  # fmt: skip
    sizes = bytes_of(model, placement, widths)
    front = _front(table, found, method, sizes, latencies, judge, run)
    sites = tuple(replace(site, bits=found.bits[site.node]) for site in placement.weights)
    recipe = with_bits(run.recipe, found.bits)
    searched = Searched(recipe, table, damages, found, front, limit.unit, latencies, whole)
    return replace(placement, weights=sites), searched


def _limit(
    search: Search, latencies: LatencyTable | None, float_size: int, least: float, most: float
) -> Limit:
    """The budget in bytes or milliseconds; `least` and `most` are what all choices can cost."""
    unit = UNITS[search.unit]
    if search.unit == "extra_share":
        return Limit(least + search.budget * (most - least), unit.cost)
    fixed, full = 0.0, float(float_size)
    if latencies is not None:
        fixed, full = latencies.rest_ms, latencies.total_ms[max(latencies.total_ms)]
    whole = full if unit.share else 0.0
    return Limit(search.budget * (whole or 1), unit.cost, fixed, whole, unit.share)


def _within_file(
    limit: Limit, search: Search, model: ir.Model, placement: Placement, least: float
) -> Limit:
    """The limit, cut to what the share of the float file leaves to the weights, if they fit."""
    if not search.file_share or limit.unit != BYTES:
        return limit
    room = search.file_share * len(to_bytes(model)) - bytes_beside(model, placement)
    return replace(limit, amount=min(limit.amount, room)) if room >= least else limit


def _front(
    table: Table,
    found: Allocation,
    method: Callable[[Table, float, str], Allocation],
    sizes: Mapping[str, Mapping[int, float]],
    latencies: LatencyTable | None,
    judge: Judge,
    run: Run,
) -> tuple[Configuration, ...]:
    """The Pareto front of the table, each point measured with all layers rounded at once."""
    points = [*pareto_front(table, method, ""), found]
    different = {tuple(sorted(point.bits.items())): point for point in points}
    run.progress.start("measuring the Pareto front", len(different), "configurations")
    front = []
    for point in sorted(different.values(), key=lambda point: point.cost):
        size = sum(sizes[node][bits] for node, bits in point.bits.items())
        latency = None if latencies is None else latencies.latency_ms(point.bits)
        damage = judge.damage(point.bits)
        chosen = point.bits == found.bits
        front.append(Configuration(point.bits, round(size), latency, damage, chosen))
        run.progress.advance()
    run.progress.finish()
    return tuple(front)


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
        (site.node, bits): parameters_at(model, replace(site, bits=bits), run.recipe)
        for site in placement.weights
        for bits in allowed_bits(site, placement, run.recipe, target)
    }
    _, means = measure_means(model, placement.weights, run)
    chosen = first_samples(model, run.data, samples)
    return Judge(model, placement.weights, stored, means, chosen, Evaluations(run.workdir))


def with_bits(recipe: Recipe, bits: Mapping[str, int]) -> Recipe:
    """The recipe whose overrides say these widths; what its own overrides say stays."""
    own: list[Override] = []
    for node, width in bits.items():
        if width != recipe.weight_bits(node):
            before = recipe.override_for(node)
            own.append(replace(before, pattern=glob.escape(node), weight_bits=width))
    return replace(recipe, overrides=(*recipe.overrides, *own), search=None)
