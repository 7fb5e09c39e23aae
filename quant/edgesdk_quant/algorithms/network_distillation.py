"""Distillation as the last step of the rounding: from the graph to its learner and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.algorithms.adaround import one_thread
from edgesdk_quant.algorithms.distillation import Distiller, RoundedLayer, Settings
from edgesdk_quant.algorithms.reconstruction import Rounded, put_in_place
from edgesdk_quant.algorithms.views import with_views
from edgesdk_quant.blocks import last_cut
from edgesdk_quant.graph import clone, constant, node_named
from edgesdk_quant.insertion import insert
from edgesdk_quant.operators import bias_place
from edgesdk_quant.placement import Placement, WeightSite
from edgesdk_quant.prefix import HELD_OUT
from edgesdk_quant.progress import Progress
from edgesdk_quant.scheme import Affine
from edgesdk_quant.torch_graph import TorchGraph
from edgesdk_quant.torch_graph.batches import Samples
from edgesdk_runtimes.errors import UnsupportedError

FEWEST_SAMPLES = 16  # fewer teach nothing
TABLES = frozenset({"Gather"})  # their rows are seldom seen


def distil(
    model: ir.Model,
    exact: ir.Model,
    placement: Placement,
    activations: Mapping[str, Affine],
    settled: Mapping[WeightSite, Affine],
    samples: Samples,
    settings: Settings,
    views: int,
    progress: Progress,
) -> dict[WeightSite, Affine]:
    """Bring a network whose weights are on their grid nearer to the float one, in place.

    With fewer samples than 16, or an operator that has no gradient here, all stays as it is.

    Args:
        model: its weights are on their grid.
        exact: the float graph.
        placement: what becomes of the model.
        activations: parameters of every value of the placement.
        settled: parameters of every weight site.
        samples: input name -> arrays, one a sample.
        settings: how it learns.
        views: how many samples to learn from, views of them included.
        progress: told after each step.

    Returns:
        The parameters, with the steps that were learnt.
    """
    count = len(next(iter(samples.values()), []))
    if count < FEWEST_SAMPLES:
        return dict(settled)
    twin = clone(model)
    insert(twin, replace(placement, weights=()), activations, {})
    try:
        teacher, pupil = TorchGraph(exact), TorchGraph(twin)
    except UnsupportedError:
        return dict(settled)
    sites = [site for site in settled if node_named(model.graph, site.node).op_type not in TABLES]
    layers = {site: _layer(model.graph, site, settled[site]) for site in sites}
    names = {site: _weight(model.graph, site) for site in sites}
    distiller = Distiller(
        teacher,
        pupil,
        {names[site]: layer for site, layer in layers.items()},
        _vectors(model.graph, sites),
        _targets(exact.graph, sites),
        settings,
    )
    kept = count - count // HELD_OUT
    known = with_views({name: arrays[:kept] for name, arrays in samples.items()}, views)
    progress.start("distilling", settings.iterations, "steps")
    with one_thread():
        distiller.learn(known, {name: arrays[kept:] for name, arrays in samples.items()}, progress)
    progress.finish()
    found = dict(settled)
    for site, layer in layers.items():
        weight, scale = layer.settled()
        put_in_place(model.graph, site, Rounded(weight, scale))
        found[site] = replace(settled[site], scale=scale)
    for name, array in distiller.vectors().items():
        model.graph.initializers[name].const_value = ir.tensor(np.array(array), name=name)
    return found


def _weight(graph: ir.Graph, site: WeightSite) -> str:
    value = node_named(graph, site.node).inputs[site.index]
    return str(value.name if value is not None else "")


def _layer(graph: ir.Graph, site: WeightSite, stored: Affine) -> RoundedLayer:
    weight = constant(node_named(graph, site.node).inputs[site.index])
    return RoundedLayer(np.array(weight, np.float32), stored)


def _vectors(graph: ir.Graph, sites: list[WeightSite]) -> dict[str, NDArray[np.float32]]:
    """Biases of the layers, and gains and biases of normalizations."""
    places = [bias_place(node_named(graph, site.node)) for site in sites]
    norms = [node for node in graph if node.op_type == "LayerNormalization"]
    values = [place[0].inputs[place[1]] for place in places if place is not None]
    values += [value for node in norms for value in node.inputs[1:]]
    arrays = {str(v.name): constant(v) for v in values if v is not None}
    return {name: np.array(a, np.float32) for name, a in arrays.items() if a is not None}


def _targets(graph: ir.Graph, sites: list[WeightSite]) -> list[str]:
    """Outputs, and what the last layer leads to: an output that pools it hides most of it."""
    floats = [v for v in graph.outputs if v.dtype == ir.DataType.FLOAT]
    names = [*(str(value.name) for value in floats), last_cut(graph, sites)]
    return list(dict.fromkeys(names))
