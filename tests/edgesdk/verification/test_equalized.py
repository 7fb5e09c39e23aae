"""Layers of an equalized model are compared in the artifact's own units."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

import edgesdk
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.recipe import Recipe
from tests.quant.graph.written import model, random

WORST_DB = 25.0


def test_channel_scales_are_no_damage(tmp_path: Path) -> None:
    spread = (10.0 ** np.linspace(-1, 1, 8)).astype(np.float32)
    before = model(
        "agraph (float[N,3,6,6] x) => (float[N,4,6,6] y) "
        "{ c = Conv(x, u, b) r = Relu(c) y = Conv(r, w) }",
        u=random(8, 3, 1, 1, seed=1) * spread[:, None, None, None],
        b=random(8, seed=2) * spread,
        w=random(4, 8, 1, 1, seed=3) / spread[None, :, None, None],
    )
    (tmp_path / "float.onnx").write_bytes(to_bytes(before))
    recipe = Recipe.load("w8a8")
    recipe = replace(recipe, algorithms=replace(recipe.algorithms, equalization=True))
    x = random(16, 3, 6, 6, seed=4)
    quantized = edgesdk.quantize(tmp_path / "float.onnx", x, recipe)
    quantized.save(tmp_path / "model.tflite")
    found = edgesdk.verify(
        tmp_path / "model.tflite", tmp_path / "float.onnx", x, runtimes=["litert"]
    )
    assert "r" in {layer.tensor for layer in found.layers}
    assert min(layer.sqnr_db for layer in found.layers) > WORST_DB
