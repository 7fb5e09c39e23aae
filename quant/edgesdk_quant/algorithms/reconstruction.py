"""Quantize weights block after block, each behind the prefix that is quantized already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.blocks import Block, partition
from edgesdk_quant.calibration.saved_state import SavedState
from edgesdk_quant.data import CalibrationData
from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.graph import clone, new_initializer, node_named, to_bytes
from edgesdk_quant.insertion import insert
from edgesdk_quant.operators import bias_place
from edgesdk_quant.placement import Placement, WeightSite
from edgesdk_quant.prefix import Prefix
from edgesdk_quant.progress import Progress
from edgesdk_quant.scheme import Affine


@dataclass(frozen=True)
class Rounded:
    """A layer whose weights are on their grid.

    Attributes:
        weight: float32, every element a multiple of its step.
        scale: steps, shaped as `Affine.scale`.
        bias: float32; None where it stays.
    """

    weight: NDArray[np.float32]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32] | None = None


PARTS = ("weight", "scale", "bias")


@dataclass(frozen=True)
class Step:
    """What an algorithm gets for one block.

    Attributes:
        index: number of the block; seeds its draws.
        block: the block.
        prefix: values that enter it.
        twin: the graph whose activations are quantized and whose earlier weights are on their grid.
        parameters: how weights are stored.
        ahead: the block after it, still with float weights; None behind the last one.
    """

    index: int
    block: Block
    prefix: Prefix
    twin: ir.Model
    parameters: Mapping[WeightSite, Affine]
    ahead: Block | None = None


class Rounder(Protocol):
    """An algorithm that puts the weights of a block on their grid.

    Its `repr` tells all settings that change the result: the saved state is kept under it.
    """

    @property
    def task(self) -> str:
        """How progress calls it."""

    def units(self, block: Block) -> int:
        """How many units of progress a block takes."""

    def round(self, step: Step, progress: Progress) -> Mapping[WeightSite, Rounded]:
        """The new weights of the block's sites."""


def reconstruct(
    model: ir.Model,
    placement: Placement,
    activations: Mapping[str, Affine],
    parameters: Mapping[WeightSite, Affine],
    data: CalibrationData,
    rounder: Rounder,
    progress: Progress,
    workdir: Path | None = None,
    views: int = 0,
    then: Callable[[Mapping[WeightSite, Affine]], Mapping[WeightSite, Affine]] = dict,
) -> dict[WeightSite, Affine]:
    """Move the weights of a float graph onto their grid, in place.

    Args:
        model: float graph in normal form.
        placement: what becomes of it.
        activations: parameters of every value of the placement.
        parameters: parameters of every weight site.
        data: samples; all of them are kept in memory at one cut of the graph.
        rounder: the algorithm.
        progress: told how far it is.
        workdir: folder of the saved state: a stopped run goes on with the next block.
        views: how many samples there shall be, views of them included.
        then: what is done to the rounded graph as a whole; it gets the parameters and gives new
            ones. What was rounded is kept until it is done.

    Returns:
        The parameters, with the scales that the algorithm chose.
    """
    twin = clone(model)
    insert(twin, replace(placement, weights=()), activations, {})
    blocks = partition(model.graph, placement.weights)
    prefix = Prefix(clone(model), twin, blocks, data, views)
    settings = f"{rounder!r}, {views} views"
    key = fingerprint([to_bytes(model), to_bytes(twin), settings, prefix.data_sha256])
    saved = SavedState(workdir, "rounding", key)
    done: dict[str, NDArray[np.generic]] = dict(saved.load())
    progress.start(rounder.task, sum(rounder.units(b) for b in blocks), "steps")
    settled = dict(parameters)
    for index, block in enumerate(blocks):
        ahead = blocks[index + 1] if index + 1 < len(blocks) else None
        for each in (block, ahead):
            if each is not None:
                prefix.find_targets(each)
        found = _kept(done, block)
        if found:
            progress.advance(rounder.units(block))
        elif block.sites:
            found = rounder.round(Step(index, block, prefix, twin, parameters, ahead), progress)
            done.update(_arrays(found))
            saved.save(done)
        for site, rounded in found.items():
            settled[site] = replace(parameters[site], scale=rounded.scale)
            for graph in (model.graph, twin.graph):
                put_in_place(graph, site, rounded)
        prefix.advance(index)
    progress.finish()
    whole = dict(then(settled))
    saved.forget()
    return whole


def _arrays(found: Mapping[WeightSite, Rounded]) -> dict[str, NDArray[np.generic]]:
    arrays: dict[str, NDArray[np.generic]] = {}
    for site, rounded in found.items():
        arrays[f"weight of {site.node}"] = rounded.weight
        arrays[f"scale of {site.node}"] = rounded.scale
        if rounded.bias is not None:
            arrays[f"bias of {site.node}"] = rounded.bias
    return arrays


def _kept(done: Mapping[str, NDArray[np.generic]], block: Block) -> Mapping[WeightSite, Rounded]:
    """What an earlier run found for a block, empty if it did not come that far."""
    if any(f"weight of {site.node}" not in done for site in block.sites):
        return {}
    found = {}
    for site in block.sites:
        weight, scale, bias = (done.get(f"{what} of {site.node}") for what in PARTS)
        found[site] = Rounded(
            np.asarray(weight, np.float32),
            np.asarray(scale, np.float32),
            None if bias is None else np.asarray(bias, np.float32),
        )
    return found


def put_in_place(graph: ir.Graph, site: WeightSite, rounded: Rounded) -> None:
    """Replace a layer's weights, and its bias where there is a new one."""
    node = node_named(graph, site.node)
    _set_input(graph, node, site.index, rounded.weight)
    place = bias_place(node)
    if rounded.bias is not None and place is not None:
        _set_input(graph, *place, rounded.bias)


def _set_input(graph: ir.Graph, node: ir.Node, index: int, array: NDArray[np.float32]) -> None:
    old = node.inputs[index]
    if old is None:
        return
    name = str(old.name)
    if len(old.uses()) == 1 and not old.is_graph_output():
        del graph.initializers[name]
    node.replace_input_with(index, new_initializer(graph, name, array))
