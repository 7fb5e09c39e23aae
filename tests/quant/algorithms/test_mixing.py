"""Mixing: results stay, rounding harms less, and what cannot be mixed is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesdk_quant.algorithms.mixing import mix_channels, mixing_of, spread
from edgesdk_quant.data import open_data
from edgesdk_quant.graph import constant, normalize
from edgesdk_quant.pipeline import quantize
from edgesdk_quant.recipe import ActivationRecipe, Algorithms, Recipe
from edgesdk_targets import load as load_target
from tests.quant.graph.written import model, random, run

MIXING = Recipe("mixing", algorithms=Algorithms(mixing=True))
NARROW, WIDE = 8, 24
SIZES = (10.0 ** np.linspace(-1, 1, NARROW)).astype(np.float32)
BOTTLENECKS = (
    "agraph (float[1,24,5,5] x) => (float[1,24,5,5] y, float[1,24,5,5] z) "
    "{ a = Conv(x, u, b) c = Relu(x) d = Conv(c, v) e = Add(a, d) "
    "y = Conv(e, w) f = Pad(a, p) z = Conv(f, k) }"
)


def network() -> ir.Model:
    """Two layers write narrow values whose channels differ in size, two others read them."""
    return model(
        BOTTLENECKS,
        u=random(NARROW, WIDE, 1, 1, seed=1) * SIZES[:, None, None, None],
        b=random(NARROW, seed=2),
        v=random(NARROW, WIDE, 1, 1, seed=3) * SIZES[:, None, None, None],
        w=random(WIDE, NARROW, 1, 1, seed=4),
        k=random(WIDE, NARROW, 3, 3, seed=5),
        p=np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
    )


def test_results_stay_through_additions_padding_and_larger_kernels() -> None:
    before, after = network(), network()
    assert sorted(mix_channels(after, MIXING)) == ["a", "d", "e", "f"]
    x = {"x": random(1, WIDE, 5, 5, seed=6)}
    for expected, found in zip(run(before, x), run(after, x), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def test_what_a_recipe_spares_stays() -> None:
    graph = network()
    assert mix_channels(graph, Recipe("plain")) == {}
    writers = mix_channels(network(), MIXING)["e"]
    assert mix_channels(graph, MIXING.without_mixing(writers[:1])) == {}
    for name in ("u", "v", "w", "k"):
        before = constant(network().graph.initializers[name])
        np.testing.assert_array_equal(constant(graph.graph.initializers[name]), before)


def test_fully_connected_layers_mix_in_either_layout() -> None:
    text = (
        "agraph (float[3,24] x) => (float[3,6] y) "
        "{ a = Gemm<transB=%d>(x, u, b) y = Gemm<transB=%d>(a, w) }"
    )
    for first, second in ((0, 0), (1, 0), (0, 1)):
        u, w = random(NARROW, WIDE, seed=1), random(6, NARROW, seed=2)
        layout = {"u": u if first else u.T, "w": w if second else w.T}
        graph = model(text % (first, second), b=random(NARROW, seed=3), **layout)
        x = random(3, WIDE, seed=4)
        assert list(mix_channels(graph, MIXING)) == ["a"]
        expected = (x @ u.T + random(NARROW, seed=3)) @ w.T
        np.testing.assert_allclose(run(graph, {"x": x})[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "between",
    ["c = Relu(a)", "c = MaxPool<kernel_shape=[2,2]>(a)", "c = Clip(a, low, high)"],
)
def test_channels_that_meet_something_nonlinear_stay(between: str) -> None:
    graph = model(
        f"agraph (float[1,24,5,5] x) => (y) {{ a = Conv(x, u) {between} y = Conv(c, w) }}",
        u=random(NARROW, WIDE, 1, 1, seed=1),
        w=random(WIDE, NARROW, 1, 1, seed=2),
        low=np.float32(0),
        high=np.float32(6),
    )
    assert mix_channels(graph, MIXING) == {}


@pytest.mark.parametrize(("shape", "mixed"), [((1,), ["a"]), ((1, NARROW), ["a"]), ((3, 8), [])])
def test_biases_are_mixed_too_but_not_a_matrix_of_them(
    shape: tuple[int, ...], mixed: list[str]
) -> None:
    graph = model(
        "agraph (float[3,24] x) => (float[3,6] y) { a = Gemm(x, u, b) y = Gemm(a, w) }",
        u=random(WIDE, NARROW, seed=1),
        b=random(*shape, seed=2),
        w=random(NARROW, 6, seed=3),
    )
    x = random(3, WIDE, seed=4)
    expected = run(graph, {"x": x})[0]
    assert list(mix_channels(graph, MIXING)) == mixed
    np.testing.assert_allclose(run(graph, {"x": x})[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("outputs", ["float[1,8,5,5] a, float[1,24,5,5] y", "float[1,8,5,5] y"])
def test_outputs_and_channels_kept_apart_stay(outputs: str) -> None:
    """An output shows its channels; a depthwise layer keeps them apart."""
    depthwise = outputs.startswith("float[1,8,5,5] y")
    last = "y = Conv<group=8>(a, w)" if depthwise else "y = Conv(a, w)"
    graph = model(
        f"agraph (float[1,24,5,5] x) => ({outputs}) {{ a = Conv(x, u) {last} }}",
        u=random(NARROW, WIDE, 1, 1, seed=1),
        w=random(NARROW, 1, 1, 1, seed=2) if depthwise else random(WIDE, NARROW, 1, 1, seed=2),
    )
    assert mix_channels(graph, MIXING) == {}


def harm(graph: ir.Model) -> float:
    """Squared error of a result, but for a factor, when rows are rounded in steps of their length.

    Of a layer that writes channels, and one that reads them.
    """
    rows, columns = (np.asarray(constant(node.inputs[1]), np.float64) for node in graph.graph)
    lengths = np.square(rows).sum(axis=(1, 2, 3))
    return float(lengths @ np.square(columns).sum(axis=(0, 2, 3)))


def test_rounding_harms_less_where_large_channels_are_read_with_large_weights() -> None:
    graph = model(
        "agraph (float[1,24,5,5] x) => (float[1,24,5,5] y) { a = Conv(x, u) y = Conv(a, w) }",
        u=random(NARROW, WIDE, 1, 1, seed=1) * SIZES[:, None, None, None],
        w=random(WIDE, NARROW, 1, 1, seed=2) * SIZES[None, :, None, None],
    )
    before = harm(graph)
    mix_channels(graph, MIXING)
    assert harm(graph) < 0.5 * before


@given(st.integers(0, 10_000), st.integers(2, 12))
@settings(max_examples=50, deadline=None)
def test_no_other_metric_gives_less_noise(seed: int, size: int) -> None:
    """tr(A M) tr(S M^-1), against any M: that of the identity, and ones beside the one found."""
    draws = np.random.default_rng(seed)
    writing, reading = (draws.standard_normal((size, 3 * size)) for _ in range(2))
    writing, reading = writing @ writing.T, reading @ reading.T

    def noise(metric: np.ndarray) -> float:
        return float(np.trace(writing @ metric) * np.trace(reading @ np.linalg.inv(metric)))

    mixing = mixing_of(writing, reading)
    best = noise(mixing.T @ mixing)
    assert best <= noise(np.eye(size)) * 1.01
    for _ in range(5):
        near = mixing + 0.1 * draws.standard_normal((size, size)) * np.abs(mixing).mean()
        assert best <= noise(near.T @ near) * 1.01


@pytest.mark.parametrize("channels", [2, 3, 16, 24, 320])
def test_spreading_keeps_lengths_and_reaches_every_channel(channels: int) -> None:
    matrix = spread(channels)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(channels), atol=1e-12)
    assert np.square(matrix).max() <= 2 / channels + 1e-12


def test_channels_that_nobody_writes_or_reads_do_not_break_it() -> None:
    graph = network()
    for name in ("u", "v", "w", "k"):
        array = np.zeros_like(constant(graph.graph.initializers[name]))
        graph.graph.initializers[name].const_value = ir.tensor(array, name=name)
    mix_channels(graph, MIXING)
    found = run(graph, {"x": random(1, WIDE, 5, 5, seed=6)})
    assert all(np.isfinite(array).all() for array in found)


def test_channels_that_eight_bits_hold_worse_when_mixed_are_spared() -> None:
    """Uniform channels fill their range; sums of them do not."""
    graph = normalize(
        model(
            "agraph (float[1,8,9,9] x) => (float[1,24,9,9] y) { a = Conv(x, u) y = Conv(a, w) }",
            u=np.eye(NARROW, dtype=np.float32)[:, :, None, None],
            w=random(WIDE, NARROW, 1, 1, seed=1),
        )
    )
    pictures = np.random.default_rng(0).uniform(-1, 1, (16, NARROW, 9, 9)).astype(np.float32)
    recipe = replace(Recipe.load("w8a8"), algorithms=MIXING.algorithms)
    mixes = []
    for least in (40.0, 46.0):
        rules = replace(recipe, activations=ActivationRecipe(min_sqnr=least))
        done = quantize(graph, open_data(pictures), rules, load_target("generic"))
        mixes.append(done.recipe.override_for(str(graph.graph[0].name)).mixing)
        kept = Recipe.parse(done.model.metadata_props["edgesdk.recipe"])
        assert kept == done.recipe  # so that `verify` mixes what was mixed
    assert mixes == [True, False]
