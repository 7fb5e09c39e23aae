"""The runtimes themselves are asked which operators they run in integers."""

from __future__ import annotations

from dataclasses import replace

import edgesdk
from edgesdk.fusion_audit import audit_litert, audit_onnxruntime
from edgesdk_quant.recipe import Override, Recipe
from tests.edgesdk import small_network

IMAGES = small_network.images(8)


def test_all_operators_of_a_quantized_network_are_fused() -> None:
    quantized = edgesdk.quantize(small_network.network(), IMAGES)
    found = audit_onnxruntime(quantized.to_bytes("onnx"))
    assert found.complete
    assert str(found) == "2/2 conv, 1/1 gemm, 1/1 add, 1/1 globalaveragepool"
    assert audit_litert(quantized.to_bytes("tflite")).complete


def test_layers_that_are_float_on_purpose_are_not_asked_for() -> None:
    recipe = Recipe.load("w8a8")
    recipe = replace(recipe, overrides=(Override("classify", quantize="weights"),))
    found = audit_onnxruntime(
        edgesdk.quantize(small_network.network(), IMAGES, recipe).to_bytes("onnx")
    )
    assert "gemm" not in str(found)
    assert found.complete
