"""What enters each block: in the float model, and behind the part that is quantized already.

Both are streamed from block to block, and only values that are still to be read are kept: memory
is that of the widest cut, not that of the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import onnx_ir as ir

from edgesdk_quant.blocks import Block
from edgesdk_quant.data import CalibrationData, sample_digest
from edgesdk_quant.graph import node_named, to_bytes
from edgesdk_quant.graph.segment import segment
from edgesdk_runtimes.base import Array, TensorSpec
from edgesdk_runtimes.onnxruntime import OnnxRuntime

# One sample of so many is held out.
HELD_OUT = 8
# Value name -> its content, one array a sample.
Samples = Mapping[str, list[Array]]


class Prefix:
    """Walks a float model and its quantized twin side by side.

    Attributes:
        exact: values of the float model at the current cut.
        quantized: the same of the twin, whose earlier weights are quantized.
        data_sha256: hash over the samples, in order.
        samples: how many samples were given; `exact` and `quantized` hold their views too.
        held_out: how many of these come from samples that judge how to go about a layer: the last.
    """

    def __init__(
        self,
        model: ir.Model,
        twin: ir.Model,
        blocks: Sequence[Block],
        data: CalibrationData,
        views: int = 0,
    ) -> None:
        self._model = model
        self._twin = twin
        self._blocks = blocks
        self.exact, self.data_sha256 = read_inputs(model, data)
        self.samples = len(next(iter(self.exact.values()), []))
        known = self.samples - self.samples // HELD_OUT
        parts = [{k: v[:known] for k, v in self.exact.items()}]
        parts += [{k: v[known:] for k, v in self.exact.items()}]
        if views > self.samples:
            from edgesdk_quant.algorithms.views import with_views

            judging = views * (self.samples - known) // self.samples
            parts = [with_views(parts[0], views - judging), with_views(parts[1], judging)]
        self.exact = {name: [*arrays, *parts[1][name]] for name, arrays in parts[0].items()}
        self.held_out = len(next(iter(parts[1].values()), []))
        self.quantized: dict[str, list[Array]] = dict(self.exact)

    @property
    def known(self) -> int:
        """How many samples and views come before those that are held out."""
        return len(next(iter(self.exact.values()), [])) - self.held_out

    def find_targets(self, block: Block) -> None:
        """Keep what the float model makes of a block's exact inputs."""
        missing = [name for name in block.outputs if name not in self.exact]
        self.exact.update(evaluate(self._model, block.inputs, missing, self.exact))

    def exact_inside(self, block: Block, values: Sequence[str]) -> Iterator[list[Array]]:
        """Values inside a block of the float model, sample by sample."""
        yield from stream(self._model, block.inputs, values, self.exact)

    def exact_node(self, name: str) -> ir.Node:
        """A node of the float model."""
        return node_named(self._model.graph, name)

    def advance(self, index: int) -> None:
        """Block `index` is quantized in the twin: go to the next cut."""
        block = self._blocks[index]
        self.quantized.update(evaluate(self._twin, block.inputs, block.outputs, self.quantized))
        needed = {name for later in self._blocks[index + 1 :] for name in later.inputs}
        for values in (self.exact, self.quantized):
            for name in set(values) - needed:
                del values[name]


def evaluate(
    model: ir.Model, inputs: Sequence[str], outputs: Sequence[str], values: Samples
) -> dict[str, list[Array]]:
    """Values of a part of a model, one array a sample."""
    found: dict[str, list[Array]] = {name: [] for name in outputs}
    for arrays in stream(model, inputs, outputs, values):
        for name, array in zip(outputs, arrays, strict=True):
            found[name].append(array)
    return found


def stream(
    model: ir.Model, inputs: Sequence[str], outputs: Sequence[str], values: Samples
) -> Iterator[list[Array]]:
    """Values of a part of a model, sample by sample."""
    computed = [name for name in outputs if name not in inputs]
    count = len(values[inputs[0]]) if inputs else 0
    if not computed:
        yield from ([values[name][i] for name in outputs] for i in range(count))
        return
    session = OnnxRuntime().open(to_bytes(segment(model, inputs, computed)), literal=True)
    try:
        order = [spec.name for spec in session.inputs]
        for index in range(count):
            results = session.run([values[name][index] for name in order])
            known = dict(zip(computed, results, strict=True))
            yield [known[n] if n in known else values[n][index] for n in outputs]
    finally:
        session.close()


def read_inputs(model: ir.Model, data: CalibrationData) -> tuple[dict[str, list[Array]], str]:
    """Input name -> its arrays, one a sample, and a hash over all of them in order."""
    specs = graph_inputs(model)
    found: dict[str, list[Array]] = {spec.name: [] for spec in specs}
    digest = hashlib.sha256()
    for sample in data.samples(specs):
        digest.update(sample_digest(sample.arrays))
        for spec, array in zip(specs, sample.arrays, strict=True):
            found[spec.name].append(array)
    return found, digest.hexdigest()


def graph_inputs(model: ir.Model) -> tuple[TensorSpec, ...]:
    """The inputs that samples must fit."""
    whole = OnnxRuntime().open(to_bytes(model))
    try:
        return whole.inputs
    finally:
        whole.close()
