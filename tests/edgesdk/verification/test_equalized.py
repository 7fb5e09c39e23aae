"""Layers of an equalized or mixed model are compared in the artifact's own units."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

import edgesdk
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.recipe import Recipe
from tests.quant.graph.written import model, random

WORST_DB = 25.0
SPREAD = (10.0 ** np.linspace(-1, 1, 8)).astype(np.float32)


def network(nodes: str) -> ir.Model:
    """Two convolutions whose inner channels differ a hundred times in size."""
    return model(
        f"agraph (float[N,3,6,6] x) => (float[N,4,6,6] y) {{ {nodes} }}",
        u=random(8, 3, 1, 1, seed=1) * SPREAD[:, None, None, None],
        b=random(8, seed=2) * SPREAD,
        w=random(4, 8, 1, 1, seed=3) / SPREAD[None, :, None, None],
    )


def compared(before: ir.Model, folder: Path, **switches: Any) -> dict[str, float]:
    """Tensor -> SQNR in dB, of the model quantized to 8 bits with these switches."""
    (folder / "float.onnx").write_bytes(to_bytes(before))
    recipe = Recipe.load("w8a8")
    recipe = replace(recipe, algorithms=replace(recipe.algorithms, **switches))
    x = random(16, 3, 6, 6, seed=4)
    edgesdk.quantize(folder / "float.onnx", x, recipe).save(folder / "model.tflite")
    files = folder / "model.tflite", folder / "float.onnx"
    found = edgesdk.verify(*files, x, runtimes=["litert"])
    return {layer.tensor: layer.sqnr_db for layer in found.layers}


def test_channel_scales_are_no_damage(tmp_path: Path) -> None:
    before = network("c = Conv(x, u, b) r = Relu(c) y = Conv(r, w)")
    found = compared(before, tmp_path, equalization=True)
    assert "r" in found
    assert min(found.values()) > WORST_DB


def test_mixed_channels_are_no_damage(tmp_path: Path) -> None:
    found = compared(network("c = Conv(x, u, b) y = Conv(c, w)"), tmp_path, mixing=True)
    assert "c" in found
    assert min(found.values()) > WORST_DB
