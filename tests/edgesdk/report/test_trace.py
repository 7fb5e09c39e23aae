"""The bare graph of any model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from onnx import ModelProto

import edgesdk
from edgesdk.report import page
from edgesdk_runtimes.errors import InputError, ModelError
from tests.edgesdk import small_network

MACS = 64 * 16 * (27 + 144) + 7 * 16
PARAMETERS = 16 * 27 + 16 + 16 * 144 + 16 + 7 * 16 + 7


def test_a_float_file_has_its_own_nodes_with_shapes_and_cost() -> None:
    report = edgesdk.trace(small_network.network())
    assert [layer.op for layer in report.layers][1:4] == ["Conv", "Relu", "Conv"]
    assert report.layers[1].result is not None
    assert report.layers[1].result.shape == (None, 16, 8, 8)
    assert report.parameters == PARAMETERS
    assert sum(layer.macs for layer in report.layers) == MACS
    assert report.advice == ()


def test_a_tflite_file_costs_the_same(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    edgesdk.quantize(small_network.network(), small_network.images(4)).save(path)
    report = edgesdk.trace(path)
    assert report.title == "model.tflite"
    assert report.parameters == PARAMETERS
    assert sum(layer.macs for layer in report.layers) == MACS


def test_a_module_is_captured(tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU())
    report = edgesdk.trace(module, tmp_path / "graph.html", inputs={"x": (None, 3)})
    assert report.title == "Sequential"
    assert report.parameters == 20
    assert "Sequential" in (tmp_path / "graph.html").read_text(encoding="utf-8")


def test_a_graph_whose_shapes_contradict_is_drawn_without_them() -> None:
    model = ModelProto.FromString(small_network.network())
    model.graph.node[-1].input[1] = "w1"  # a Gemm with weights of rank 4
    report = edgesdk.trace(model.SerializeToString())
    assert [layer.op for layer in report.layers][-2] == "Gemm"
    assert page(report)


def test_nodes_without_names_are_numbered() -> None:
    model = ModelProto.FromString(small_network.network())
    for node in model.graph.node:
        node.name = ""
    names = [layer.name for layer in edgesdk.trace(model.SerializeToString()).layers]
    assert names[1:3] == ["Conv_0", "Relu_1"]
    assert len(set(names)) == len(names)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        edgesdk.trace(tmp_path / "nothing.onnx")
    with pytest.raises(ModelError):
        edgesdk.trace(b"no model at all")
    with pytest.raises(InputError, match="null runtime"):
        edgesdk.trace(b"{}")
    with pytest.raises(InputError, match=r"\.html or \.json"):
        edgesdk.trace(small_network.network(), tmp_path / "graph.svg")


def test_every_real_file_can_be_drawn(shared_data: Path) -> None:
    files = sorted((shared_data / "tflite" / "collection").glob("*.tflite"))
    files += sorted((shared_data / "onnx").glob("*.onnx"))
    assert len(files) > 40
    for file in files:
        report = edgesdk.trace(file)
        assert report.layers
        assert len(page(report)) < 2_000_000
