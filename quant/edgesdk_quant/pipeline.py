"""Quantize a graph: place, calibrate, improve, insert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.algorithms.bias_correction import correct_biases, correctable
from edgesdk_quant.algorithms.equalization import equalize, observed
from edgesdk_quant.algorithms.weight_ranges import find_parameters
from edgesdk_quant.calibration import Histogram, collect, find_range
from edgesdk_quant.calibration.channel_mean import ChannelMean
from edgesdk_quant.calibration.channel_range import ChannelRange
from edgesdk_quant.capability import Target
from edgesdk_quant.data import CalibrationData
from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.graph import clone, constant, is_quantized, to_bytes
from edgesdk_quant.insertion import insert
from edgesdk_quant.placement import FLOAT, Decision, Group, Placement, WeightSite, place
from edgesdk_quant.progress import Progress, Silent
from edgesdk_quant.recipe import ActivationRecipe, Recipe
from edgesdk_quant.scheme import Affine, activation_parameters, fixed_parameters
from edgesdk_runtimes.errors import InputError, ModelError

__all__ = ["Decision", "QuantizedModel", "quantize"]

VERSION = "0.1.0"


@dataclass(frozen=True)
class QuantizedModel:
    """A quantized graph and what was done to it.

    Attributes:
        model: the quantized graph (docs/ARCHITECTURE.md), metadata included.
        recipe: the recipe that was followed.
        decisions: for each node of the float graph, what it became and why.
        histograms: value name -> counts of what it was on the calibration samples.
    """

    model: ir.Model
    recipe: Recipe
    decisions: tuple[Decision, ...]
    histograms: Mapping[str, Histogram]


def quantize(
    graph: ir.Model,
    data: CalibrationData | None,
    recipe: Recipe,
    target: Target,
    *,
    progress: Progress | None = None,
    workdir: Path | None = None,
) -> QuantizedModel:
    """Quantize a float graph in normal form; the graph itself is left unchanged.

    Args:
        graph: the float graph.
        data: calibration samples; None is enough for weight-only recipes.
        recipe: what to do.
        target: what the device can run.
        progress: told how far it is; None tells nobody.
        workdir: folder where calibration keeps its state, to go on after it was stopped.

    Raises:
        InputError: data is missing where the recipe needs it, or a sample is wrong.
        ModelError: the graph is quantized already, or nothing in it can be quantized.
    """
    if is_quantized(graph):
        raise ModelError(
            "The model is quantized already; export it as it is, or give the float model."
        )
    placement = place(graph, recipe, target)
    _refuse_no_op(placement, recipe, target)
    model = clone(graph)
    if recipe.algorithms.equalization and data is not None:
        _equalize(model, placement, data, progress or Silent(), workdir)
    histograms, data_sha256 = _calibrate(
        model, placement, data, recipe, progress or Silent(), workdir
    )
    activations = _activations(model, placement, histograms, recipe)
    weights = {site: _weights(model, site, recipe) for site in placement.weights}
    if recipe.algorithms.bias_correction and data is not None:
        _correct_biases(model, weights, data, progress or Silent(), workdir)
    insert(model, placement, activations, weights)
    model.metadata_props.update(
        {
            "edgesdk.recipe": recipe.to_toml(),
            "edgesdk.version": VERSION,
            "edgesdk.data_sha256": data_sha256,
            "edgesdk.source_sha256": fingerprint([to_bytes(graph)]),
        }
    )
    return QuantizedModel(model, recipe, placement.decisions, histograms)


def _equalize(
    model: ir.Model,
    placement: Placement,
    data: CalibrationData,
    progress: Progress,
    workdir: Path | None,
) -> None:
    values = observed(model, set(placement.values()))
    if not values:
        return
    found = collect(
        model,
        values,
        ChannelRange,
        ChannelRange.from_state,
        data,
        task="measuring channels",
        progress=progress,
        workdir=workdir,
    )
    equalize(model, found.observers)


def _correct_biases(
    model: ir.Model,
    weights: Mapping[WeightSite, Affine],
    data: CalibrationData,
    progress: Progress,
    workdir: Path | None,
) -> None:
    inputs = correctable(model, tuple(weights))
    if not inputs:
        return
    found = collect(
        model,
        sorted(set(inputs.values())),
        ChannelMean,
        ChannelMean.from_state,
        data,
        task="measuring means",
        progress=progress,
        workdir=workdir,
    )
    correct_biases(model, weights, inputs, found.observers)


def _refuse_no_op(placement: Placement, recipe: Recipe, target: Target) -> None:
    if all(decision.kind == FLOAT for decision in placement.decisions):
        reasons = sorted({f"{d.op}: {d.reason}" for d in placement.decisions})
        raise ModelError(
            f"Recipe {recipe.name} finds nothing to quantize for target {target.name} "
            f"({'; '.join(reasons) or 'the model has no nodes'}); choose another recipe or target."
        )


def _calibrate(
    model: ir.Model,
    placement: Placement,
    data: CalibrationData | None,
    recipe: Recipe,
    progress: Progress,
    workdir: Path | None,
) -> tuple[dict[str, Histogram], str]:
    constants = {n: constant(model.graph.initializers[n]) for n in model.graph.initializers}
    values = [n for group in placement.groups if group.range is None for n in group.values]
    histograms = {name: _histogram(constants[name]) for name in values if name in constants}
    computed = [name for name in values if name not in constants]
    if not computed:
        return histograms, fingerprint([])
    if data is None:
        raise InputError(
            f"Recipe {recipe.name} quantizes activations and needs calibration data; "
            "give calibration=... (64 samples are usual), or choose the recipe w8."
        )
    found = collect(
        model,
        computed,
        Histogram,
        Histogram.from_state,
        data,
        task="calibrating",
        progress=progress,
        workdir=workdir,
    )
    return {**histograms, **found.observers}, found.data_sha256


def _histogram(array: NDArray[np.generic] | None) -> Histogram:
    histogram = Histogram()
    if array is not None:
        histogram.add(np.asarray(array, np.float32))
    return histogram


def _weights(model: ir.Model, site: WeightSite, recipe: Recipe) -> Affine:
    node = next(node for node in model.graph if node.name == site.node)
    weight = np.asarray(constant(node.inputs[site.index]))
    return find_parameters(weight, site, recipe)


def _activations(
    model: ir.Model,
    placement: Placement,
    histograms: Mapping[str, Histogram],
    recipe: Recipe,
) -> dict[str, Affine]:
    if recipe.activations is None:
        return {}
    producers = {str(v.name): str(node.name) for node in model.graph for v in node.outputs}
    found: dict[str, Affine] = {}
    for group in placement.groups:
        makers = [producers[name] for name in group.values if name in producers]
        methods = [recipe.override_for(maker).activation_range for maker in makers]
        method = next((m for m in methods if m), "")
        affine = _group_parameters(group, histograms, recipe.activations, method)
        found.update(dict.fromkeys(group.values, affine))
    return found


def _group_parameters(
    group: Group, histograms: Mapping[str, Histogram], recipe: ActivationRecipe, method: str
) -> Affine:
    if group.range is not None:
        return fixed_parameters(*group.range, recipe.bits)
    merged = Histogram()
    for name in group.values:
        merged.merge(histograms[name])
    return activation_parameters(*find_range(merged, recipe, method), recipe.bits)
