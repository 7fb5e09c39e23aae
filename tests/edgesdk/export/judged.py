"""A small ONNX model through the lowering, judged by ONNX Runtime on every runtime that is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk.capture import capture
from edgesdk.export.tflite import lower
from edgesdk.layout import SourceLayoutSession, parse_layout
from edgesdk_quant.tflite.model import Model
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes import RUNTIMES
from tests.quant.graph.written import model, random, run

RUN_BY = tuple(name for name in ("native", "litert") if RUNTIMES[name].probe().available)
Feeds = Mapping[str, NDArray[Any]]


def judge(
    text: str,
    feeds: Feeds | None = None,
    /,
    *,
    opset: int = 21,
    tolerance: float = 1e-5,
    runtimes: Sequence[str] = RUN_BY,
    **weights: Any,
) -> Model:
    """Lower the model, demand the results of ONNX Runtime, and return the TFLite model.

    Args:
        text: "(float[1,3] x) => (float[1,3] y) { y = Relu(x) }".
        feeds: inputs; random ones where none are given.
        opset: of the text.
        tolerance: relative to the largest result.
        runtimes: which ones to run.
        weights: initializers.
    """
    source = model(f"agraph {text}", opset, **weights)
    return judge_model(source, feeds, tolerance=tolerance, runtimes=runtimes)


def judge_model(
    source: ir.Model,
    feeds: Feeds | None = None,
    *,
    tolerance: float = 1e-5,
    runtimes: Sequence[str] = RUN_BY,
) -> Model:
    """The same for a model that is there already."""
    graph = capture(source)
    given = dict(feeds or _random_feeds(graph))
    expected = run(source, given)
    lowered = lower(graph)
    arrays = [given[str(value.name)] for value in graph.graph.inputs]
    for runtime in runtimes:
        for actual, wanted in zip(run_on(runtime, lowered, arrays), expected, strict=True):
            _compare(actual, wanted, tolerance)
    return lowered


def run_on(runtime: str, lowered: Model, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Outputs in the layout of the source."""
    session = RUNTIMES[runtime].open(write_model(lowered))
    with_layout = SourceLayoutSession(session, parse_layout(lowered.metadata))
    try:
        return with_layout.run(arrays)
    finally:
        with_layout.close()


def codes(lowered: Model) -> list[str]:
    """Operators of the main subgraph in order."""
    return [operator.code for operator in lowered.subgraphs[0].operators]


def _random_feeds(graph: ir.Model) -> Feeds:
    feeds = {}
    for i, value in enumerate(graph.graph.inputs):
        shape = [d if isinstance(d, int) else 1 for d in (value.shape or ())]
        feeds[str(value.name)] = random(*shape, seed=i)
    return feeds


def _compare(actual: NDArray[Any], wanted: NDArray[Any], tolerance: float) -> None:
    assert actual.shape == wanted.shape
    assert actual.dtype == wanted.dtype
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(actual, wanted)
        return
    finite = np.abs(wanted[np.isfinite(wanted)])
    largest = max(float(finite.max(initial=0.0)), 1.0)
    np.testing.assert_allclose(actual, wanted, rtol=tolerance, atol=tolerance * largest)
