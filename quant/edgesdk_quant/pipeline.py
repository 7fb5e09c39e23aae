"""Quantize a graph: place, calibrate, improve, insert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import onnx_ir as ir

from edgesdk_quant import channel_factors
from edgesdk_quant.activations import settle
from edgesdk_quant.algorithms.equalization import equalize, observed
from edgesdk_quant.algorithms.feature_scaling import scale_features, tables
from edgesdk_quant.algorithms.mixing import mix_channels
from edgesdk_quant.bit_allocation import Searched, allocate_bits
from edgesdk_quant.calibration import Collected, Histogram, collect
from edgesdk_quant.calibration.channel_range import ChannelRange
from edgesdk_quant.capability import Target
from edgesdk_quant.data import CalibrationData
from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.graph import clone, is_quantized, to_bytes
from edgesdk_quant.graph.matrix_products import write_matrix_products
from edgesdk_quant.insertion import insert
from edgesdk_quant.integer_forms import write_integer_forms
from edgesdk_quant.placement import FLOAT, Decision, Placement, place
from edgesdk_quant.progress import Progress, Silent
from edgesdk_quant.recipe import Recipe
from edgesdk_quant.scaling import scale_for_weights, smooth_activations
from edgesdk_quant.search.latency import Clock
from edgesdk_quant.suitability import refuse_unsuited
from edgesdk_quant.weights import Run, settle_weights
from edgesdk_quant.witness import Witnessed
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
        searched: what the search of its widths found; None without a search.
    """

    model: ir.Model
    recipe: Recipe
    decisions: tuple[Decision, ...]
    histograms: Mapping[str, Histogram]
    searched: Searched | None = None


def quantize(
    graph: ir.Model,
    data: CalibrationData | None,
    recipe: Recipe,
    target: Target,
    *,
    progress: Progress | None = None,
    workdir: Path | None = None,
    clock: Clock | None = None,
) -> QuantizedModel:
    """Quantize a float graph in normal form; the graph itself is left unchanged.

    Args:
        graph: the float graph.
        data: calibration samples; None is enough for weight-only recipes.
        recipe: what to do.
        target: what the device can run.
        progress: told how far it is; None tells nobody.
        workdir: folder where calibration keeps its state, to go on after it was stopped.
        clock: measures layers on the target, for a search under a budget of latency.

    Raises:
        InputError: data is missing where the recipe needs it, or a sample is wrong.
        ModelError: the graph is quantized already, or nothing in it can be quantized.
        RecipeError: the target cannot run the recipe, or its budget is impossible.
    """
    if is_quantized(graph):
        raise ModelError(
            "The model is quantized already; export it as it is, or give the float model."
        )
    refuse_unsuited(graph, recipe, target)
    model, progress = clone(graph), progress or Silent()
    recipe = recipe.for_data(data is not None)
    given, data = data, None if data is None else Witnessed.of(data)
    run = Run(data, recipe, progress, workdir, clock)
    mixed = mix_channels(model, recipe)
    asked, recipe = recipe, smooth_activations(model, run)
    if recipe.activations is not None:
        write_integer_forms(model)
    if recipe.weights.granularity == "block":
        write_matrix_products(model)
    coarse = _scale_tables(model, recipe, data, progress, workdir)
    placement = place(model, recipe, target, coarse)
    _refuse_no_op(placement, recipe, target)
    if recipe.algorithms.equalization and data is not None:
        factors = _equalize(model, placement, data, progress, workdir)
        model.metadata_props[channel_factors.KEY] = channel_factors.to_text(factors)
    run = replace(run, recipe=recipe)
    if scale_for_weights(model, placement, run):
        placement = place(model, recipe, target, coarse)
    observe = partial(
        _observe, model=model, data=data, recipe=recipe, progress=progress, workdir=workdir
    )
    settled = settle(model, placement, recipe, target, observe, coarse)
    spoilt = {writer for name in settled.coarse for writer in mixed.get(name, ())}
    if spoilt:  # the old channels may fit into the activations' bits
        again = asked.without_mixing(sorted(spoilt))
        return quantize(
            graph, given, again, target, progress=progress, workdir=workdir, clock=clock
        )
    placement = settled.placement
    _refuse_no_op(placement, recipe, target)
    placement, searched = allocate_bits(model, placement, settled.parameters, target, run)
    weights = settle_weights(model, placement, settled.parameters, run)
    insert(model, placement, settled.parameters, weights)
    recipe = asked if searched is None else searched.recipe
    model.metadata_props.update(
        {
            "edgesdk.recipe": recipe.to_toml(),
            "edgesdk.version": VERSION,
            "edgesdk.data_sha256": (data.sha256 if data else "") or fingerprint([]),
            "edgesdk.source_sha256": fingerprint([to_bytes(graph)]),
        }
    )
    return QuantizedModel(model, recipe, placement.decisions, settled.histograms, searched)


def _scale_tables(
    model: ir.Model,
    recipe: Recipe,
    data: CalibrationData | None,
    progress: Progress,
    workdir: Path | None,
) -> dict[str, float]:
    """Inputs that are to stay float because their features were scaled -> their SQNR, lost."""
    values = tables(model)
    if not values or data is None or recipe.activations is None or recipe.activations.bits > 8:
        return {}
    ranges = _channel_ranges(model, values, data, "measuring features", progress, workdir)
    return dict.fromkeys(scale_features(model, ranges), 0.0)


def _equalize(
    model: ir.Model,
    placement: Placement,
    data: CalibrationData,
    progress: Progress,
    workdir: Path | None,
) -> channel_factors.Factors:
    values = observed(model, set(placement.values()))
    if not values:
        return {}
    return equalize(
        model, _channel_ranges(model, values, data, "measuring channels", progress, workdir)
    )


def _channel_ranges(
    model: ir.Model,
    values: Sequence[str],
    data: CalibrationData,
    task: str,
    progress: Progress,
    workdir: Path | None,
) -> Mapping[str, ChannelRange]:
    found = collect(
        model,
        values,
        ChannelRange,
        ChannelRange.from_state,
        data,
        task=task,
        progress=progress,
        workdir=workdir,
    )
    return found.observers


def _refuse_no_op(placement: Placement, recipe: Recipe, target: Target) -> None:
    if all(decision.kind == FLOAT for decision in placement.decisions):
        reasons = sorted({f"{d.op}: {d.reason}" for d in placement.decisions})
        raise ModelError(
            f"Recipe {recipe.name} finds nothing to quantize for target {target.name} "
            f"({'; '.join(reasons) or 'the model has no nodes'}); choose another recipe or target."
        )


def _observe(
    names: Sequence[str],
    model: ir.Model,
    data: CalibrationData | None,
    recipe: Recipe,
    progress: Progress,
    workdir: Path | None,
) -> Collected[Histogram]:
    if data is None:
        raise InputError(
            f"Recipe {recipe.name} quantizes activations and needs calibration data; "
            "give calibration=... (64 samples are usual), or choose the recipe w8."
        )
    return collect(
        model,
        names,
        Histogram,
        Histogram.from_state,
        data,
        task="calibrating",
        progress=progress,
        workdir=workdir,
    )
