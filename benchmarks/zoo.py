"""The models of the runtime benchmark, each as .onnx and .tflite, built once under build/."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import edgesdk
from benchmarks.data import shared_data
from edgesdk.artifact import read_artifact
from edgesdk.capture import capture
from edgesdk.random_inputs import random_inputs
from edgesdk.sessions import open_session
from edgesdk_quant.recipe import Recipe

FOLDER = Path(__file__).resolve().parents[1] / "build" / "zoo"
CALIBRATION_SAMPLES = 4  # the speed of a file does not depend on its scales


@dataclass(frozen=True)
class Entry:
    """A model to time.

    Attributes:
        name: of its files.
        module: of examples.models that builds it, "" for a finished file.
        arguments: of its build function.
        recipe: "" leaves it in float.
        target: of the quantization.
        file: of shared data, instead of a module.
    """

    name: str
    module: str = ""
    arguments: tuple[Any, ...] = ()
    recipe: str = "w8a8"
    file: str = ""
    target: str = "generic"


ENTRIES = (
    Entry("efficientnet_lite0", "efficientnet_lite"),
    Entry("mobilenet_v2", "mobilenet_v2"),
    Entry("resnet18", "resnet", (18,)),
    Entry("resnet50", "resnet", (50,)),
    Entry("resnet8", "resnet8"),
    Entry("ds_cnn", "ds_cnn"),
    Entry("minilm", "minilm"),
    Entry("efficientnet_lite0_w7", "efficientnet_lite", recipe="w7a8", target="x86-avx2"),
    Entry("mobilenet_v2_w7", "mobilenet_v2", recipe="w7a8", target="x86-avx2"),
    Entry("resnet18_w7", "resnet", (18,), recipe="w7a8", target="x86-avx2"),
    Entry("resnet50_w7", "resnet", (50,), recipe="w7a8", target="x86-avx2"),
    Entry("resnet8_w7", "resnet8", recipe="w7a8", target="x86-avx2"),
    Entry("ds_cnn_w7", "ds_cnn", recipe="w7a8", target="x86-avx2"),
    Entry("minilm_w8", "minilm", recipe="w8"),
    Entry("minilm_dynamic", "minilm", recipe="w8-dynamic"),
    Entry("efficientnet_lite0_w4", "efficientnet_lite", recipe="w4a8"),
    Entry("resnet18_w4", "resnet", (18,), recipe="w4a8"),
    Entry("efficientnet_lite0_f32", "efficientnet_lite", recipe=""),
    Entry("mobilenet_v2_f32", "mobilenet_v2", recipe=""),
    Entry("resnet18_f32", "resnet", (18,), recipe=""),
    Entry("resnet8_f32", "resnet8", recipe=""),
    Entry("ds_cnn_f32", "ds_cnn", recipe=""),
    Entry("minilm_f32", "minilm", recipe=""),
    Entry("mobilenet_v1_uint8", file="collection/test-data__mobilenet_v1_0.5_160_quant"),
)
ENTRY_OF = {entry.name: entry for entry in ENTRIES}


@dataclass(frozen=True)
class Files:
    """Where a model lies.

    Attributes:
        tflite: what native and LiteRT run.
        onnx: what ONNX Runtime and OpenVINO run; None where there is no such file.
    """

    tflite: Path
    onnx: Path | None


def files_of(entry: Entry) -> Files:
    """Build what is missing."""
    if entry.file:
        return Files(shared_data() / "tflite" / f"{entry.file}.tflite", None)
    tflite, onnx = FOLDER / f"{entry.name}.tflite", FOLDER / f"{entry.name}.onnx"
    if not (tflite.exists() and onnx.exists()):
        FOLDER.mkdir(parents=True, exist_ok=True)
        model = _build(entry)
        model.save(onnx)
        model.save(tflite)
    return Files(tflite, onnx)


def _build(entry: Entry) -> edgesdk.Quantized:
    module = importlib.import_module(f"examples.models.{entry.module}").build(*entry.arguments)
    graph = capture(module)
    if not entry.recipe:
        return edgesdk.Quantized(graph)
    float_model = edgesdk.Quantized(graph).to_bytes("onnx")
    recipe = Recipe.load(entry.recipe)
    # Time does not depend on how well the weights are rounded.
    recipe = replace(recipe, algorithms=replace(recipe.algorithms, rounding="nearest"))
    return edgesdk.quantize(float_model, list(_samples(float_model)), recipe, entry.target)


def _samples(model: bytes) -> Iterator[dict[str, Any]]:
    """Noise for images, token numbers for indices."""
    session = open_session(read_artifact(model), "onnxruntime").session
    for seed in range(CALIBRATION_SAMPLES):
        arrays = random_inputs(session.inputs, seed)
        yield {
            spec.name: np.ones_like(a) if a.dtype.kind == "i" else a
            for spec, a in zip(session.inputs, arrays, strict=True)
        }
    session.close()
