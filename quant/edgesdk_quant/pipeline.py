"""Quantize a graph: place, calibrate, improve, insert."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.algorithms.bias_correction import output_shift
from edgesdk_quant.algorithms.weight_clipping import channel_limits
from edgesdk_quant.calibration import Statistics, collect, pick_range
from edgesdk_quant.capability import Target
from edgesdk_quant.data import CalibrationData
from edgesdk_quant.graph import clone, constant, is_quantized, to_bytes
from edgesdk_quant.insertion import Parameters, insert
from edgesdk_quant.placement import Decision, Group, Placement, WeightSite, place
from edgesdk_quant.progress import Report, silent
from edgesdk_quant.recipe import ActivationRecipe, Recipe
from edgesdk_quant.scheme import Affine, activation_parameters, fixed_parameters, weight_parameters
from edgesdk_runtimes.errors import InputError, ModelError

VERSION = "0.1.0"


@dataclass(frozen=True)
class QuantizedModel:
    """A quantized graph and what was done to it.

    Attributes:
        model: the quantized graph (docs/ARCHITECTURE.md), metadata included.
        recipe: the recipe that was followed.
        decisions: for each node of the float graph, what it became and why.
    """

    model: ir.Model
    recipe: Recipe
    decisions: tuple[Decision, ...]

    def counts(self) -> dict[str, int]:
        """How many nodes became what: "int8", "int16", "weights", "float"."""
        return dict(Counter(decision.kind for decision in self.decisions))


def quantize(
    graph: ir.Model,
    data: CalibrationData | None,
    recipe: Recipe,
    target: Target,
    *,
    report: Report = silent,
    workdir: Path | None = None,
) -> QuantizedModel:
    """Quantize a float graph in normal form; the graph itself is left unchanged.

    Args:
        graph: the float graph.
        data: calibration samples; None is enough for weight-only recipes.
        recipe: what to do.
        target: what the device can run.
        report: told how far it is.
        workdir: folder where calibration keeps its state, to go on after it was stopped.

    Raises:
        InputError: data is missing where the recipe needs it, or a sample is wrong.
        ModelError: the graph is quantized already, or nothing in it can be quantized.
    """
    if is_quantized(graph):
        raise ModelError(
            "the model is quantized already; export it as it is, or give the float model"
        )
    placement = place(graph, recipe, target)
    _refuse_no_op(placement, recipe, target)
    statistics = _calibrate(graph, placement, data, recipe, report, workdir)
    parameters = _parameters(graph, placement, statistics, recipe)
    model = clone(graph)
    insert(model, parameters)
    _describe(model, graph, recipe, statistics)
    return QuantizedModel(model, recipe, placement.decisions)


def _refuse_no_op(placement: Placement, recipe: Recipe, target: Target) -> None:
    if not placement.weights and not placement.groups:
        reasons = {d.reason for d in placement.decisions if d.reason}
        raise ModelError(
            f"recipe {recipe.name} finds nothing to quantize for target {target.name}: "
            f"{'; '.join(sorted(reasons)) or 'the model has no nodes'}"
        )


def _calibrate(
    graph: ir.Model,
    placement: Placement,
    data: CalibrationData | None,
    recipe: Recipe,
    report: Report,
    workdir: Path | None,
) -> Statistics:
    values = [name for group in placement.groups for name in group.values]
    if not values:
        return Statistics()
    if data is None:
        raise InputError(
            f"recipe {recipe.name} quantizes activations and needs calibration data; "
            "give calibration=... (64 samples are usual), or choose the recipe w8"
        )
    inputs = (
        _weighted_inputs(graph, placement).values() if recipe.algorithms.bias_correction else ()
    )
    return collect(graph, values, sorted(set(inputs)), data, report=report, workdir=workdir)


def _weighted_inputs(graph: ir.Model, placement: Placement) -> dict[str, str]:
    """Node name -> name of the activation it reads, for weighted nodes with quantized input."""
    quantized = {name for group in placement.groups for name in group.values}
    nodes = {str(node.name): node for node in graph.graph}
    names = {
        site.node: str(nodes[site.node].inputs[0].name)
        for site in placement.weights
        if nodes[site.node].inputs[0]
    }
    return {node: name for node, name in names.items() if name in quantized}


def _parameters(
    graph: ir.Model, placement: Placement, statistics: Statistics, recipe: Recipe
) -> Parameters:
    nodes = {str(node.name): node for node in graph.graph}
    limits = {site: _limits(nodes[site.node], site, recipe) for site in placement.weights}
    shifts: dict[str, NDArray[np.float64]] = {}
    if recipe.algorithms.bias_correction:
        inputs = _weighted_inputs(graph, placement)
        for site, limit in limits.items():
            mean = statistics.channel_means.get(inputs.get(site.node, ""))
            if mean is not None and nodes[site.node].op_type in {"Conv", "Gemm"}:
                shifts[site.node] = _shift(nodes[site.node], site, limit, mean)
    return Parameters(_activations(graph, placement, statistics, recipe), limits, shifts)


def _limits(node: ir.Node, site: WeightSite, recipe: Recipe) -> NDArray[np.float64]:
    weight = np.asarray(constant(node.inputs[site.operand]))
    method = recipe.override_for(site.node).weight_range or recipe.weights.range
    per_channel = recipe.weights.granularity == "channel"
    return channel_limits(weight, site.axis, method, per_channel)


def _shift(
    node: ir.Node, site: WeightSite, limits: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    weight = np.asarray(constant(node.inputs[site.operand]), np.float64)
    affine = weight_parameters(limits, site.axis if limits.ndim else None)
    rounded = affine.round_trip(weight).astype(np.float64)
    return output_shift(node.op_type, weight, rounded, site.axis, mean)


def _activations(
    graph: ir.Model, placement: Placement, statistics: Statistics, recipe: Recipe
) -> Mapping[str, Affine]:
    if recipe.activations is None:
        return {}
    producers = {value.name: str(node.name) for node in graph.graph for value in node.outputs}
    result: dict[str, Affine] = {}
    for group in placement.groups:
        methods = {
            name: recipe.override_for(producers.get(name, "")).activation_range
            for name in group.values
        }
        affine = _group_parameters(group, statistics, recipe.activations, methods)
        result.update(dict.fromkeys(group.values, affine))
    return result


def _group_parameters(
    group: Group,
    statistics: Statistics,
    recipe: ActivationRecipe,
    methods: Mapping[str, str],
) -> Affine:
    if group.fixed is not None:
        return fixed_parameters(*group.fixed, recipe.bits)
    ranges = [
        pick_range(statistics.histograms[name], recipe, methods[name]) for name in group.values
    ]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    return activation_parameters(low, high, recipe.bits)


def _describe(model: ir.Model, graph: ir.Model, recipe: Recipe, statistics: Statistics) -> None:
    """Say inside the file how it was made: no time, no host, no path."""
    model.metadata_props.update(
        {
            "edgesdk.recipe": recipe.to_toml(),
            "edgesdk.version": VERSION,
            "edgesdk.data_sha256": statistics.digest,
            "edgesdk.source_sha256": hashlib.sha256(to_bytes(graph)).hexdigest(),
        }
    )
