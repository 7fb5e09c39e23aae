"""Which widths the weights of each layer may have, and what each costs: bytes or milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import onnx_ir as ir

from edgesdk_quant.algorithms.weight_ranges import find_parameters
from edgesdk_quant.capability import Target
from edgesdk_quant.graph import clone
from edgesdk_quant.insertion import insert
from edgesdk_quant.placement import Placement, WeightSite
from edgesdk_quant.recipe import SEARCHED_BITS, Recipe
from edgesdk_quant.scheme import Affine
from edgesdk_quant.search import Choice, Table
from edgesdk_quant.search.budget import MILLISECONDS, UNITS
from edgesdk_quant.search.latency import LatencyTable, measure_latencies, measure_share
from edgesdk_quant.sensitivity import Damage
from edgesdk_quant.weights import Run, weight_at
from edgesdk_runtimes.errors import InputError

FLOAT_BYTES = 4
# What a .tflite file holds beside the weights, of each channel: its scale, its bias, and here and
# there the scale of that; of each layer: names and tables, those of operators without weights too.
# Measured on EfficientNet-Lite0, MobileNetV2 and ResNet-20 (`benchmarks.file_bytes`).
CHANNEL_BYTES, LAYER_BYTES = 8.5, 640
ZERO_POINT_BYTES = 8
# Node name -> width in bits -> what it costs.
Costs = Mapping[str, Mapping[int, float]]


def allowed_bits(
    site: WeightSite, placement: Placement, recipe: Recipe, target: Target
) -> list[int]:
    """Widths that a site may have: what its override says, else what the target's kernels take."""
    if recipe.override_for(site.node).weight_bits:
        return [site.bits]
    decision = next(d for d in placement.decisions if d.node == site.node)
    capability = target.capabilities[decision.op]
    widths = capability.weights if decision.integer else capability.weight_only
    return [bits for bits in SEARCHED_BITS if bits in widths] or [site.bits]


def parameters_at(model: ir.Model, site: WeightSite, recipe: Recipe) -> Affine:
    """How a site's weights are stored at its width."""
    return find_parameters(weight_at(model, site), site, recipe)


def bytes_of(
    model: ir.Model, placement: Placement, widths: Mapping[str, Sequence[int]]
) -> dict[str, dict[int, float]]:
    """Node name -> width -> bytes of its weights."""
    sizes = {site.node: weight_at(model, site).size for site in placement.weights}
    return {node: {bits: size * bits / 8 for bits in widths[node]} for node, size in sizes.items()}


def float_bytes(model: ir.Model, placement: Placement) -> int:
    """Size of all weights of a placement as float32."""
    return FLOAT_BYTES * sum(weight_at(model, site).size for site in placement.weights)


def bytes_beside(model: ir.Model, placement: Placement) -> float:
    """About what an artifact takes beside the weights, with a scale for each channel."""
    channels = [int(weight_at(model, site).shape[site.axis]) for site in placement.weights]
    shared = ZERO_POINT_BYTES * sum(set(channels))  # equal vectors are stored once
    return CHANNEL_BYTES * sum(channels) + LAYER_BYTES * len(channels) + shared


def latencies_of(
    model: ir.Model,
    placement: Placement,
    activations: Mapping[str, Affine],
    widths: Mapping[str, Sequence[int]],
    run: Run,
) -> LatencyTable | None:
    """The latency table of a placement; None where the recipe's budget is not of latency.

    Args:
        model: float graph in normal form.
        placement: what becomes of it.
        activations: parameters of every value of the placement.
        widths: node name -> widths that it may have.
        run: recipe and clock.

    Raises:
        InputError: there is no clock.
    """
    search = run.recipe.search
    if search is None or UNITS[search.unit].cost != MILLISECONDS:
        return None
    if run.clock is None:
        raise InputError(
            f"Recipe {run.recipe.name} has a budget of latency and nothing here measures time; "
            "quantize through edgesdk.quantize, or give a budget of bytes."
        )

    def at_width(bits: int) -> ir.Model:
        chosen = {n: min(w, key=lambda each: abs(each - bits)) for n, w in widths.items()}
        return quantized_at(model, placement, activations, chosen, run.recipe)

    variants = {bits: at_width(bits) for bits in SEARCHED_BITS}
    return measure_latencies(variants, widths, run.clock, run.progress, run.workdir)


def whole_latency(
    model: ir.Model,
    placement: Placement,
    activations: Mapping[str, Affine],
    bits: Mapping[str, int],
    table: LatencyTable,
    run: Run,
) -> float:
    """Milliseconds of a whole inference with these widths, as it really runs.

    It is timed beside the network of the widest layers: what slows both since the table was
    measured does not count.

    Args:
        model: float graph in normal form.
        placement: what becomes of it.
        activations: parameters of every value of the placement.
        bits: node name -> width.
        table: the latency table of the placement.
        run: recipe and clock.
    """
    if run.clock is None:
        raise InputError("nothing here measures time; quantize through edgesdk.quantize.")
    widest = {node: max(each) for node, each in table.layers_ms.items()}
    wide, chosen = (
        quantized_at(model, placement, activations, each, run.recipe) for each in (widest, bits)
    )
    share = measure_share(chosen, wide, run.clock, run.progress, run.workdir)
    return share * table.total_ms[max(table.total_ms)]


def quantized_at(
    model: ir.Model,
    placement: Placement,
    activations: Mapping[str, Affine],
    bits: Mapping[str, int],
    recipe: Recipe,
) -> ir.Model:
    """The quantized graph with these widths, weights rounded to nearest."""
    variant = clone(model)
    sites = tuple(replace(site, bits=bits[site.node]) for site in placement.weights)
    weights = {site: parameters_at(variant, site, recipe) for site in sites}
    insert(variant, replace(placement, weights=sites), activations, weights)
    return variant


def table_of(
    costs: Mapping[str, Mapping[int, float]], damages: Mapping[tuple[str, int], Damage]
) -> Table:
    """Choices of each layer.

    Args:
        costs: node name -> width -> bytes or milliseconds.
        damages: (node, bits) -> what this layer alone does; 0 where it is not measured.
    """
    unhurt = Damage(0.0, 0.0)
    return {
        node: [
            Choice(bits, cost, damages.get((node, bits), unhurt).noise)
            for bits, cost in each.items()
        ]
        for node, each in costs.items()
    }


def table_of_bytes(
    model: ir.Model, placement: Placement, damages: Mapping[tuple[str, int], Damage]
) -> Table:
    """Choices whose cost is the size of the weights in bytes."""
    widths: dict[str, list[int]] = {}
    for node, bits in damages:
        widths.setdefault(node, []).append(bits)
    return table_of(bytes_of(model, placement, widths), damages)
