"""AdaRound as a step of the reconstruction: from a block of the graph to its learner and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.algorithms.adaround import BlockLearner, Layer, Settings, one_thread
from edgesdk_quant.algorithms.first_rounding import first_rounding
from edgesdk_quant.algorithms.reconstruction import Rounded, Step
from edgesdk_quant.algorithms.sequential_mse import SequentialMse
from edgesdk_quant.blocks import Block
from edgesdk_quant.graph import constant, value_shape
from edgesdk_quant.graph.segment import segment
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.progress import Progress
from edgesdk_quant.scheme import Affine
from edgesdk_quant.torch_graph import TorchGraph
from edgesdk_runtimes.errors import InputError, UnsupportedError

# Values of all layers that a step computes, at most, but for the smallest batch.
ELEMENTS = 32_000_000
SMALLEST_BATCH = 2
BIASED = frozenset({"Conv", "Gemm"})
# Fewer samples would be learnt by heart.
FEWEST_SAMPLES = 8
# Wider weights lie so near their grid that nothing is gained by choosing neighbours.
LEARNT_BITS = 4


@dataclass(frozen=True)
class AdaRound:
    """Learns the rounding of a block against its float output, and that of the next block.

    In blocks of wider weights there is nothing to choose: they go to the nearest, and biases are
    corrected.
    Where an operator has no gradient here, the block's steps are chosen by sequential MSE instead.
    """

    settings: Settings

    @property
    def task(self) -> str:
        return "learning to round"

    def units(self, block: Block) -> int:
        learns = any(site.bits <= LEARNT_BITS for site in block.sites)
        return self.settings.iterations if learns else 0

    def round(self, step: Step, progress: Progress) -> dict[WeightSite, Rounded]:
        block, prefix = step.block, step.prefix
        if prefix.samples < FEWEST_SAMPLES:
            raise InputError(
                f"AdaRound learns from the samples and {prefix.samples} were given; give at least "
                f'{FEWEST_SAMPLES} (64 are usual), or choose rounding = "sequential_mse".'
            )
        for ahead in dict.fromkeys((step.ahead if self.units(block) else None, None)):
            try:
                return self._learn(step, ahead, progress)
            except UnsupportedError:
                continue
        progress.advance(self.units(block) - len(block.sites))
        return SequentialMse().round(step, progress)

    def _learn(
        self, step: Step, ahead: Block | None, progress: Progress
    ) -> dict[WeightSite, Rounded]:
        block, prefix = step.block, step.prefix
        inputs, outputs = reach(block, ahead)
        part = segment(step.twin, inputs, outputs)
        nodes = {str(node.name): node for node in part.graph}
        graph = TorchGraph(part)  # where an operator has no gradient it ends here
        start = first_rounding(step) if self.units(block) else {}
        layers = {s: _layer(nodes[s.node], s, step.parameters[s], start) for s in block.sites}
        settings = self._fitting(part.graph, block)
        with one_thread():
            learner = BlockLearner(graph, list(layers.values()), settings)
            found = learner.learn(
                {name: prefix.exact[name] for name in inputs},
                {name: prefix.quantized[name] for name in inputs},
                {name: prefix.exact[name] for name in outputs},
                step.index,
                progress,
            )
        return {
            site: Rounded(
                found[layer.weight],
                layer.parameters.scale,
                found[layer.bias] if layer.bias else None,
            )
            for site, layer in layers.items()
        }

    def _fitting(self, graph: ir.Graph, block: Block) -> Settings:
        """Fewer samples a step where maps are large: they hold as many positions."""
        shapes = [value_shape(v) or () for node in graph for v in node.outputs]
        elements = sum(math.prod(size or 1 for size in shape) for shape in shapes)
        most = max(SMALLEST_BATCH, ELEMENTS // max(elements, 1))
        batch = min(self.settings.batch, most)
        return replace(self.settings, iterations=self.units(block), batch=batch)


def reach(block: Block, ahead: Block | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Inputs and outputs of a block together with the one after it.

    An error that the next block does not see matters less; one that it amplifies matters more.
    """
    if ahead is None:
        return block.inputs, block.outputs
    made = {*block.inputs, *block.outputs}
    others = tuple(name for name in ahead.inputs if name not in made)
    return (*block.inputs, *others), (*block.outputs, *ahead.outputs)


def _layer(
    node: ir.Node,
    site: WeightSite,
    parameters: Affine,
    start: Mapping[WeightSite, NDArray[np.float32]],
) -> Layer:
    weight = node.inputs[site.index]
    bias = node.inputs[2] if len(node.inputs) > 2 and node.op_type in BIASED else None
    array = constant(bias)
    exact = np.array(constant(weight), np.float32)
    return Layer(
        output=str(node.outputs[0].name),
        weight=str(weight.name if weight is not None else ""),
        bias=str(bias.name) if bias is not None and array is not None else "",
        exact=exact,
        start=start.get(site, parameters.round_trip(exact)),
        parameters=parameters,
        exact_bias=None if array is None else np.array(array, np.float32),
    )
