"""Cross-layer equalization: channels are scaled, results stay, and the factors are told."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from edgesdk_quant.algorithms.equalization import equalize, observed
from edgesdk_quant.calibration import ChannelRange
from edgesdk_quant.channel_factors import from_text, to_text
from edgesdk_runtimes.errors import ModelError
from tests.quant.graph.written import model, random, run

CHANNELS = 6
SPREAD = (10.0 ** np.linspace(-2, 1, CHANNELS)).astype(np.float32)


def network() -> ir.Model:
    """Two convolutions whose inner channels differ a thousand times in size."""
    return model(
        "agraph (float[1,3,5,5] x) => (float[1,4,5,5] y) "
        "{ c = Conv(x, u, b) r = Relu(c) y = Conv(r, w) }",
        u=random(CHANNELS, 3, 1, 1, seed=1) * SPREAD[:, None, None, None],
        b=random(CHANNELS, seed=2) * SPREAD,
        w=random(4, CHANNELS, 1, 1, seed=3),
    )


def values(graph: ir.Model, name: str, x: np.ndarray) -> np.ndarray:
    exposed = graph.clone()
    exposed.graph.outputs[:] = [
        value for node in exposed.graph for value in node.outputs if value.name == name
    ]
    return run(exposed, {"x": x})[0]


def equalized(x: np.ndarray) -> tuple[ir.Model, ir.Model, dict[str, np.ndarray]]:
    before = network()
    after = before.clone()
    ranges = {name: ChannelRange() for name in observed(after, {"r"})}
    ranges["r"].add(values(before, "r", x))
    return before, after, dict(equalize(after, ranges))


def test_results_stay_and_channels_come_nearer() -> None:
    x = random(1, 3, 5, 5, seed=4)
    before, after, _ = equalized(x)
    np.testing.assert_allclose(run(after, {"x": x})[0], run(before, {"x": x})[0], rtol=1e-5)
    spreads = [
        np.log(np.abs(values(graph, "c", x)).max(axis=(0, 2, 3))).std() for graph in (before, after)
    ]
    assert spreads[1] < 0.7 * spreads[0]


@pytest.mark.parametrize("name", ["c", "r"])
def test_the_factors_undo_the_scaling_of_each_value(name: str) -> None:
    x = random(1, 3, 5, 5, seed=5)
    before, after, factors = equalized(x)
    undone = values(after, name, x) * factors[name].reshape(1, -1, 1, 1)
    np.testing.assert_allclose(undone, values(before, name, x), rtol=1e-5, atol=1e-6)


def test_factors_survive_as_text() -> None:
    exact = np.geomspace(1 / 128, 128, 999, dtype=np.float32)
    factors = {"a/b": exact, "c": np.ones(1, np.float32), "d": exact}
    text = to_text(factors)
    read = from_text(text)
    assert read.keys() == factors.keys()
    assert len(text) < 3 * len(exact)  # two bytes each, once for both values
    for name in factors:
        np.testing.assert_allclose(read[name], factors[name], rtol=2e-4)


@pytest.mark.parametrize("text", ["no json", "[]", '{"a": "!"}', '{"a": "AAA="}'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="malformed"):
        from_text(text)
