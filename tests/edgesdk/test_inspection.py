"""Looking into model files."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgesdk
from edgesdk_runtimes.errors import InputError, ModelError
from edgesdk_runtimes.null import encode
from tests.edgesdk import small_network


def test_an_onnx_file_shows_operators_weights_and_border() -> None:
    found = edgesdk.inspect(small_network.network())
    assert {c.name: c.count for c in found.operators}["Conv"] == 2
    assert [(c.name, c.count, c.size_bytes) for c in found.weights] == [
        ("FLOAT", 6, 4 * (16 * 27 + 16 + 16 * 144 + 16 + 7 * 16 + 7))
    ]
    assert [(s.name, s.shape) for s in found.inputs] == [("image", (None, 3, 8, 8))]
    assert found.recipe == ""


def test_types_that_a_file_leaves_out_are_inferred() -> None:
    made = edgesdk.quantize(small_network.network(), small_network.images(4))
    found = edgesdk.inspect(made.to_bytes("onnx"))
    counts = {c.name: c.count for c in found.activations}
    quantizers = {c.name: c.count for c in found.operators}["QuantizeLinear"]
    assert counts["UINT8"] == quantizers
    assert counts["FLOAT"] > quantizers


def test_a_tflite_file_shows_scales_too(shared_data: Path) -> None:
    found = edgesdk.inspect(shared_data / "tflite" / "effnet_lite0_int8.tflite")
    counts = {c.name: c.count for c in found.operators}
    assert counts["CONV_2D"] + counts["DEPTHWISE_CONV_2D"] == 49
    assert sum(counts.values()) == 60
    assert found.inputs[0].zero_point == -1
    assert found.weights[0].name == "INT8"
    assert found.size_bytes == 5_249_208


def test_every_file_of_the_collection_can_be_looked_into(shared_data: Path) -> None:
    for path in sorted((shared_data / "tflite" / "collection").glob("*.tflite")):
        assert edgesdk.inspect(path).operators, path.name


def test_a_malformed_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(small_network.network()[:500])
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        edgesdk.inspect(path)


def test_a_declaration_has_nothing_inside() -> None:
    with pytest.raises(InputError, match="null runtime"):
        edgesdk.inspect(encode([], []))
