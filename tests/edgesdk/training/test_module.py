"""A quantized graph as a module: its forward pass has the bits of the runtimes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import edgesdk
from edgesdk.capture import capture
from edgesdk.quantized import Quantized
from edgesdk.training import TrainableGraph
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.recipe import Recipe
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError
from tests.edgesdk.small_network import images, network

pytestmark = pytest.mark.native


def run_native(quantized: Quantized, x: Array) -> Array:
    runner = edgesdk.Runner(quantized.to_bytes("tflite"), runtime="native", layout="source")
    return np.concatenate([np.asarray(runner(x[i : i + 1])) for i in range(len(x))])


def run_module(module: TrainableGraph, x: Array) -> Array:
    with torch.no_grad():
        return np.asarray(module(torch.from_numpy(x)).numpy())


def disturb(module: nn.Module, seed: int) -> None:
    """As learning would: every parameter moves by a few percent of its size."""
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            noise = torch.randn(parameter.shape, generator=draws)
            size = 1.0 if name.endswith("growth") else parameter.square().mean().sqrt()
            parameter.add_(0.05 * size * noise)


class Around(nn.Module):
    """An operator between two layers, so that both of its sides are integers."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function = function
        self.a, self.b = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 1)
        self.last = nn.Conv2d(8, 5, 1)

    def forward(self, image: Any) -> Any:
        return self.last(self.function(self.a(image), self.b(image)))


class Layers(nn.Module):
    """Kinds of layers: grouped, strided, dilated, transposed, and on rows."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, stride=2), nn.ReLU6(),
            nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8), nn.Hardtanh(),
            nn.ConvTranspose2d(8, 6, 4, stride=2, padding=1), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6 * 16, 12), nn.ReLU(), nn.Linear(12, 5),
        )  # fmt: skip

    def forward(self, image: Any) -> Any:
        return self.layers(image)


W4A8 = Recipe.load("w4a8")
RECIPES: dict[str, str | Recipe] = {
    **{name: name for name in ("w8a8", "w7a8", "w8", "w4", "w8a16")},
    "w4a8": replace(
        W4A8, search=None, algorithms=replace(W4A8.algorithms, rounding="nearest", distillation=0)
    ),
}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "add and clip": lambda a, b: torch.clamp(a + b, 0, 6),
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "scale": lambda a, b: torch.sigmoid(a) * torch.linspace(-1, 2, 8).reshape(8, 1, 1),
    "average": lambda a, b: nn.functional.avg_pool2d(a, 2),
    "padded average": lambda a, b: nn.functional.avg_pool2d(a, 3, 2, padding=1),
    "mean": lambda a, b: a.mean((2, 3), keepdim=True),
    "excite": lambda a, b: a * torch.sigmoid(b.mean((2, 3), keepdim=True)),
    "sigmoid": lambda a, b: torch.sigmoid(a),
    "tanh": lambda a, b: torch.tanh(a),
    "elu": lambda a, b: nn.functional.elu(a),
    "silu": lambda a, b: nn.functional.silu(a),
    "hard swish": lambda a, b: nn.functional.hardswish(a),
    "leaky relu": lambda a, b: nn.functional.leaky_relu(a, 0.2),
    "softmax": lambda a, b: torch.softmax(a, 1),
    "concatenate": lambda a, b: torch.cat([a[:, :4], b[:, 4:]], 1),
}


def quantized(model: Any, recipe: str = "w8a8") -> Quantized:
    graph = capture(model, {"image": (None, 3, 8, 8)})
    return edgesdk.quantize(graph, calibration=images(16), recipe=RECIPES[recipe])


@pytest.mark.parametrize("name", OPERATORS)
def test_integer_operators_have_the_bits_of_native(name: str) -> None:
    made = quantized(Around(OPERATORS[name]))
    module = made.trainable()
    disturb(module, seed=len(name))
    x = images(4, seed=3)
    assert np.array_equal(run_module(module, x), run_native(made.learnt(module), x))


@pytest.mark.parametrize("recipe", ["w8a8", "w4a8", "w7a8"])
def test_layers_of_all_kinds_have_the_bits_of_native(recipe: str) -> None:
    made = quantized(Layers(), recipe)
    module = made.trainable()
    x = images(4, seed=3)
    assert np.array_equal(run_module(module, x), run_native(made, x))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_what_has_been_learnt_runs_with_the_same_bits(seed: int) -> None:
    made = edgesdk.quantize(network(seed % 7), calibration=images(16), recipe=RECIPES["w4a8"])
    module = made.trainable()
    disturb(module, seed)
    x = images(4, seed=seed)
    assert np.array_equal(run_module(module, x), run_native(made.learnt(module), x))


@pytest.mark.parametrize("recipe", RECIPES)
def test_nothing_changes_before_anything_is_learnt(recipe: str) -> None:
    made = edgesdk.quantize(network(), calibration=images(16), recipe=RECIPES[recipe])
    loaded = edgesdk.load(made.to_bytes("onnx"))
    for model in (made, loaded):
        assert to_bytes(model.learnt(model.trainable()).model) == to_bytes(model.model)


def test_a_gradient_reaches_every_parameter() -> None:
    module = edgesdk.quantize(network(), calibration=images(16)).trainable()
    module(torch.from_numpy(images(16, seed=3))).square().sum().backward()
    silent = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.abs().max()]
    assert silent == []


def test_operators_without_a_gradient_are_named() -> None:
    class Sorting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, image: Any) -> Any:
            return torch.topk(self.conv(image), 2, dim=1).values

    with pytest.raises(UnsupportedError, match="TopK"):
        quantized(Sorting()).trainable()
