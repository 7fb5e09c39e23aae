"""A graph whose inner values can be read: run it and get them by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.passes import common

from edgesdk_quant.calibration.masks import bound_scores, find_scores, needed
from edgesdk_quant.data import Sample
from edgesdk_quant.graph import clone, constant, to_bytes
from edgesdk_runtimes import runtime_named
from edgesdk_runtimes.base import TensorSpec
from edgesdk_runtimes.errors import InputError


class Exposure:
    """Runs a graph in ONNX Runtime and returns chosen values instead of its outputs.

    One thread: the order of float additions, and with it every range, is always the same. What
    attention masks hide is lifted to where a Softmax gives it no weight (`masks`).
    """

    def __init__(self, model: ir.Model, values: Sequence[str]) -> None:
        self._values = values
        self._scores = needed(find_scores(model.graph), values)
        needs = (name for scores in self._scores for name in sorted(scores.needs))
        wanted = dict.fromkeys((*values, *needs))
        computed = {str(v.name) for node in model.graph for v in node.outputs}
        self._computed = [name for name in wanted if name in computed]
        initializers = model.graph.initializers
        self._constants = {n: constant(initializers[n]) for n in wanted if n in initializers}
        exposed = _exposing(model, self._computed)
        self._session = runtime_named("onnxruntime").open(exposed, threads=1)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What samples must fit."""
        return self._session.inputs

    def run(self, sample: Sample) -> dict[str, NDArray[np.float32]]:
        """The values for one sample; constants among them are the same for each.

        Raises:
            InputError: a value is not finite.
        """
        known = {s.name: a for s, a in zip(self.inputs, sample.arrays, strict=True)}
        if self._computed:  # else the inputs alone are asked for
            outputs = self._session.run(sample.arrays)
            known.update(zip(self._computed, outputs, strict=True))
        known.update({name: np.asarray(a, np.float32) for name, a in self._constants.items()})
        bound_scores(known, self._scores)
        for name in self._values:
            if not np.isfinite(known[name]).all():
                raise InputError(
                    f"Sample {sample.name} makes {name} NaN or infinite; take the sample away or "
                    "correct how it is preprocessed."
                )
        return {name: known[name] for name in self._values}

    def close(self) -> None:
        """Give the memory back."""
        self._session.close()


def _exposing(model: ir.Model, values: Sequence[str]) -> bytes:
    exposed = clone(model)
    by_name = {str(v.name): v for node in exposed.graph for v in node.outputs}
    outputs = [by_name[name] for name in values] or list(exposed.graph.outputs)
    exposed.graph.outputs[:] = outputs
    common.RemoveUnusedNodesPass()(exposed)
    return to_bytes(exposed)
