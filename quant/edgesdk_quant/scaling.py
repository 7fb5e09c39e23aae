"""Scales of the inputs of linear layers, by the algorithm that the recipe names."""

from __future__ import annotations

import glob
from dataclasses import replace

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.algorithms.awq import scale_by_activations
from edgesdk_quant.algorithms.input_scaling import SharedInput, shared_inputs
from edgesdk_quant.algorithms.smoothquant import smooth
from edgesdk_quant.algorithms.weight_ranges import find_parameters
from edgesdk_quant.calibration import collect
from edgesdk_quant.calibration.row_sample import RowSample
from edgesdk_quant.placement import WEIGHTS_ONLY, Placement
from edgesdk_quant.recipe import Override, Recipe
from edgesdk_quant.weights import Run
from edgesdk_runtimes.errors import InputError


def scale_for_weights(model: ir.Model, placement: Placement, run: Run) -> bool:
    """Follow a recipe that says "awq", in place; the float results stay.

    Args:
        model: float graph in normal form.
        placement: what becomes of it; layers with float activations are scaled.
        run: recipe and data.

    Returns:
        Whether the graph has other nodes now and must be placed again.

    Raises:
        InputError: there is no data.
    """
    if run.recipe.algorithms.scaling != "awq":
        return False
    chosen = {d.node for d in placement.decisions if d.kind == WEIGHTS_ONLY}
    shared = shared_inputs(model.graph, chosen)
    if not shared:
        return False
    seen = _observe(model, shared, run)
    sites = {site.node: site for site in placement.weights}

    def round_trip(weight: NDArray[np.float64], node: str) -> NDArray[np.float64]:
        """Weights [C, units]; by the whole range of each block, whose clipping comes later."""
        site = sites[node]
        stored = weight if site.axis == 1 else weight.T
        rounded = find_parameters(stored, site, run.recipe, method="minmax").round_trip(stored)
        return np.asarray(rounded if site.axis == 1 else rounded.T, np.float64)

    return bool(scale_by_activations(shared, seen, round_trip, run.progress))


def smooth_activations(model: ir.Model, run: Run) -> Recipe:
    """Follow a recipe that says "smoothquant", in place; the float results stay.

    Args:
        model: float graph in normal form.
        run: recipe and data.

    Returns:
        The recipe that leaves what was added in float: it comes before the quantizer of its result.

    Raises:
        InputError: there is no data.
    """
    recipe = run.recipe
    if recipe.algorithms.scaling != "smoothquant":
        return recipe
    nodes = {str(n.name) for n in model.graph if recipe.override_for(str(n.name)).quantize == "all"}
    shared = [s for s in shared_inputs(model.graph, nodes) if s.normalized]
    added = smooth(shared, _observe(model, shared, run)) if shared else []
    floats = tuple(Override(glob.escape(name), quantize="none") for name in added)
    return replace(recipe, overrides=(*recipe.overrides, *floats))


def _observe(model: ir.Model, shared: list[SharedInput], run: Run) -> dict[str, RowSample]:
    if run.data is None:
        raise InputError(
            f"Recipe {run.recipe.name} scales inputs by {run.recipe.algorithms.scaling!r}, which "
            "needs calibration data; give calibration=... (64 samples are usual), or choose none."
        )
    found = collect(
        model,
        [inputs.name for inputs in shared],
        RowSample,
        RowSample.from_state,
        run.data,
        task="measuring inputs",
        progress=run.progress,
        workdir=run.workdir,
    )
    return dict(found.observers)
