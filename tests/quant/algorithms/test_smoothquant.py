"""SmoothQuant: outliers go from activations into weights; float results stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx_ir as ir
import pytest

import edgesdk
from edgesdk_quant.algorithms.input_scaling import shared_inputs
from edgesdk_quant.algorithms.smoothquant import scales, smooth
from edgesdk_quant.calibration.row_sample import RowSample
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.recipe import Recipe
from tests.quant.algorithms.test_awq import ALONE, CHANNELS, UNITS, WITH_SHORTCUT, network
from tests.quant.graph.written import ops, random, run


def smoothed(text: str) -> tuple[ir.Model, list[str]]:
    after = network(text)
    names = {str(node.name) for node in after.graph}
    shared = [s for s in shared_inputs(after.graph, names) if s.normalized]
    sample = RowSample()
    sample.add(random(40, CHANNELS) * 3)
    return after, smooth(shared, {"n": sample})


def test_the_factors_are_those_of_equation_4() -> None:
    x, w = np.array([100.0, 1.0, 0.25]), np.array([0.25, 1.0, 4.0])
    np.testing.assert_allclose(scales(x, w), [20.0, 1.0, 0.25])
    np.testing.assert_allclose(scales(x, w, alpha=1.0), x)


def test_a_channel_of_zeros_gets_a_finite_factor() -> None:
    assert np.isfinite(scales(np.array([0.0, 1.0]), np.array([1.0, 0.0]))).all()
    assert (scales(np.zeros(2), np.zeros(2)) > 0).all()


@pytest.mark.parametrize(("text", "products"), [(ALONE, 0), (WITH_SHORTCUT, 1)])
def test_float_results_stay(text: str, products: int) -> None:
    after, added = smoothed(text)
    x = random(2, 5, CHANNELS, seed=6)
    expected = run(network(text), {"x": x})[0]
    np.testing.assert_allclose(run(after, {"x": x})[0], expected, rtol=2e-4, atol=1e-3)
    assert len(added) == ops(after)["Mul"] == products


@pytest.mark.parametrize("text", [ALONE, WITH_SHORTCUT])
def test_the_recipe_makes_layers_behind_outliers_more_exact(text: str) -> None:
    graph = to_bytes(network(text))
    data, x = random(40, 2, 5, CHANNELS, seed=8), random(2, 5, CHANNELS, seed=9)
    plain = Recipe.load("w8a8")
    assert plain.activations is not None
    plain = replace(plain, activations=replace(plain.activations, min_sqnr=0.0))
    smooth_one = replace(plain, algorithms=replace(plain.algorithms, scaling="smoothquant"))
    exact = run(network(text), {"x": x})[0]
    made = [edgesdk.quantize(graph, list(data), recipe) for recipe in (plain, smooth_one)]
    noise = [np.square(edgesdk.Runner(m.to_bytes("onnx"))(x) - exact).mean() for m in made]
    assert noise[1] < 0.8 * noise[0]
    assert Recipe.parse(made[1].model.metadata_props["edgesdk.recipe"]) == smooth_one
    assert UNITS > CHANNELS
