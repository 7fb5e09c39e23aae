"""8- and 16-bit arithmetic without a scale wraps as ONNX's does."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edgesdk.export.judged import judge

KINDS = ["int8", "uint8", "int16"]


@pytest.mark.parametrize("kind", ["int8", "uint8"])
@pytest.mark.parametrize("op", ["Max", "Min"])
def test_extremes(kind: str, op: str) -> None:
    judge(f"({kind}[6] a, {kind}[6] b) => ({kind}[6] y) {{ y = {op}(a, b) }}", _pair(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", ["Equal", "Less", "GreaterOrEqual"])
def test_comparisons(kind: str, op: str) -> None:
    if kind == "int16" or (kind, op) == ("int8", "Less"):
        pytest.skip("ONNX Runtime has no such kernel to judge by")
    judge(f"({kind}[6] a, {kind}[6] b) => (bool[6] y) {{ y = {op}(a, b) }}", _pair(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("op", "rule"), [("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply)]
)
def test_sums_wrap_around(kind: str, op: str, rule: np.ufunc) -> None:
    """numpy judges: ONNX Runtime has no kernels for these types."""
    from edgesdk.capture import capture
    from edgesdk.export.tflite import lower
    from tests.edgesdk.export.judged import RUN_BY, run_on
    from tests.quant.graph.written import model

    feeds = _pair(kind)
    text = f"agraph ({kind}[6] a, {kind}[6] b) => ({kind}[6] y) {{ y = {op}(a, b) }}"
    lowered = lower(capture(model(text)))
    for runtime in RUN_BY:
        (y,) = run_on(runtime, lowered, list(feeds.values()))
        np.testing.assert_array_equal(y, rule(feeds["a"], feeds["b"]))


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_a_maximum_over_windows(kind: str) -> None:
    x = np.random.default_rng(0).integers(0, 100, (1, 2, 6, 6)).astype(kind)
    text = f"({kind}[1,2,6,6] x) => ({kind}[1,2,H,W] y)"
    judge(f"{text} {{ y = MaxPool <kernel_shape=[2,2], strides=[2,2]> (x) }}", {"x": x})


def _pair(kind: str) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    bounds = np.iinfo(kind)
    return {
        name: random.integers(bounds.min, bounds.max, 6, endpoint=True).astype(kind)
        for name in ("a", "b")
    }
