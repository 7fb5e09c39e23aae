"""From float weights to weights on their grid, by the algorithms that the recipe names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir

from edgesdk_quant.algorithms.bias_correction import correct_biases, correctable
from edgesdk_quant.algorithms.reconstruction import Rounder, reconstruct
from edgesdk_quant.algorithms.weight_ranges import find_parameters
from edgesdk_quant.calibration import collect
from edgesdk_quant.calibration.channel_mean import ChannelMean
from edgesdk_quant.data import CalibrationData
from edgesdk_quant.graph import clone, constant, node_named
from edgesdk_quant.placement import Placement, WeightSite
from edgesdk_quant.prefix import read_inputs
from edgesdk_quant.progress import Progress
from edgesdk_quant.recipe import Algorithms, Recipe
from edgesdk_quant.scheme import Affine
from edgesdk_quant.search.latency import Clock
from edgesdk_runtimes.errors import InputError

Weights = Mapping[WeightSite, Affine]


@dataclass(frozen=True)
class Run:
    """What one call of `quantize` works with.

    Attributes:
        data: calibration samples; None without.
        recipe: what to do.
        progress: told how far it is.
        workdir: folder of saved states; None keeps none.
        clock: measures what layers take; None where nothing does.
    """

    data: CalibrationData | None
    recipe: Recipe
    progress: Progress
    workdir: Path | None = None
    clock: Clock | None = None


def settle_weights(
    model: ir.Model, placement: Placement, activations: Mapping[str, Affine], run: Run
) -> Weights:
    """Choose the grid of each weight site, and change the float graph's weights and biases for it.

    Where the recipe asks for more than rounding to nearest, the weights come to lie on their grid.

    Args:
        model: float graph in normal form.
        placement: what becomes of it.
        activations: parameters of every value of the placement.
        run: recipe and data.

    Raises:
        InputError: an algorithm needs data, or more of it.
    """
    sites = placement.weights
    parameters = {site: find_parameters(weight_at(model, site), site, run.recipe) for site in sites}
    rounder = rounder_of(run.recipe.algorithms)
    if rounder is not None:
        data = _needed(run)
        algorithms = run.recipe.algorithms
        return reconstruct(
            model,
            placement,
            activations,
            parameters,
            data,
            rounder,
            run.progress,
            run.workdir,
            views=algorithms.views if algorithms.rounding == "adaround" else 0,
            then=_distilled(model, placement, activations, data, run),
        )
    if run.recipe.algorithms.bias_correction and run.data is not None:
        correct_biases(model, parameters, *measure_means(model, tuple(parameters), run))
    return parameters


def _distilled(
    model: ir.Model,
    placement: Placement,
    activations: Mapping[str, Affine],
    data: CalibrationData,
    run: Run,
) -> Callable[[Weights], Weights]:
    """What is done once all weights are on their grid; called while they are still float."""
    algorithms = run.recipe.algorithms
    if not algorithms.distillation:
        return dict
    from edgesdk_quant.algorithms.distillation import Settings
    from edgesdk_quant.algorithms.network_distillation import distil

    exact, settings = clone(model), Settings(algorithms.distillation)

    def distilled(settled: Weights) -> Weights:
        samples, _ = read_inputs(exact, data)
        return distil(
            model, exact, placement, activations, settled, samples, settings, algorithms.views,
            run.progress,
        )  # fmt: skip

    return distilled


def rounder_of(algorithms: Algorithms) -> Rounder | None:
    """The algorithm that rounds; None is to nearest."""
    if algorithms.rounding == "adaround":
        from edgesdk_quant.algorithms.adaround import Settings
        from edgesdk_quant.algorithms.block_rounding import AdaRound

        return AdaRound(Settings(iterations=algorithms.iterations))
    if algorithms.rounding == "gptq":
        from edgesdk_quant.algorithms.gptq_rounding import Gptq

        return Gptq()
    if algorithms.rounding == "sequential_mse":
        from edgesdk_quant.algorithms.sequential_mse import SequentialMse

        return SequentialMse()
    return None


def weight_at(model: ir.Model, site: WeightSite) -> np.ndarray:
    """The float weights of a site."""
    node = node_named(model.graph, site.node)
    return np.asarray(constant(node.inputs[site.index]))


def measure_means(
    model: ir.Model, sites: tuple[WeightSite, ...], run: Run
) -> tuple[dict[str, str], Mapping[str, ChannelMean]]:
    """Node name -> its input, and the channel means of these inputs, over the calibration data."""
    inputs = correctable(model, sites)
    if not inputs or run.data is None:
        return {}, {}
    found = collect(
        model,
        sorted(set(inputs.values())),
        ChannelMean,
        ChannelMean.from_state,
        run.data,
        task="measuring means",
        progress=run.progress,
        workdir=run.workdir,
    )
    return inputs, found.observers


def _needed(run: Run) -> CalibrationData:
    if run.data is None:
        raise InputError(
            f"Recipe {run.recipe.name} rounds by {run.recipe.algorithms.rounding!r}, which needs "
            "calibration data; give calibration=... (64 samples are usual), or choose nearest."
        )
    return run.data
