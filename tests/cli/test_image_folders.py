"""Labelled images as users keep them: one folder a class, or a CSV file with paths."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgesdk
from edgesdk.cli import main
from edgesdk_quant.preprocess import Preprocess
from tests.edgesdk import small_network

STEPS = Preprocess(crop=8, resize=0, mean=(128.0,), std=(16.0,))
TEXT = "crop=8,resize=0,mean=128,std=16"
CLASSES = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """images/<class>/<number>.png, the same numbers in each class, sorted by a float model."""
    made = tmp_path_factory.mktemp("labelled")
    model, _ = small_network.write(made)
    runner, random = edgesdk.Runner(model), np.random.default_rng(0)
    counts = [0] * small_network.CLASSES
    for _ in range(60):
        color = random.integers(0, 256, 3)
        pixels = np.clip(color + random.integers(-40, 40, (8, 8, 3)), 0, 255).astype(np.uint8)
        best = int(np.asarray(runner(STEPS.normalize(pixels))).argmax())
        place = made / "images" / f"class{best}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{counts[best]}.png")
        counts[best] += 1
    assert sum(count > 0 for count in counts) >= CLASSES
    return made


def accuracy(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    assert main([*arguments, "--preprocess", TEXT, "--json"]) == 0
    found: dict[str, float] = json.loads(capsys.readouterr().out)["accuracy"]
    return found


def test_a_csv_file_of_paths_labels_images_of_equal_names(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = folder / "images"
    lines = [f"{path.relative_to(images)},{path.parent.name[-1]}" for path in images.rglob("*.png")]
    (folder / "labels.csv").write_text("\n".join(["file,class", *lines]))
    command = ["evaluate", str(folder / "float.onnx"), "--data", str(images)]
    found = accuracy([*command, "--labels", str(folder / "labels.csv")], capsys)
    assert (found["samples"], found["top1"]) == (60, 100)


def test_one_folder_a_class_needs_no_labels(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Folders number the classes in alphabetical order; without a gap that is the model's."""
    for number in range(small_network.CLASSES):
        (tmp_path / f"class{number}").mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / f"class{number}" / "black.png")
    for path in (folder / "images").rglob("*.png"):
        (tmp_path / path.parent.name / path.name).write_bytes(path.read_bytes())
    found = accuracy(["evaluate", str(folder / "float.onnx"), "--data", str(tmp_path)], capsys)
    assert found["samples"] == 60 + small_network.CLASSES
    assert found["top1"] == pytest.approx(100 * 61 / (60 + small_network.CLASSES), abs=1e-3)


def test_verify_finds_the_folders_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, images, out = folder / "float.onnx", folder / "images", folder / "out"
    command = ["quantize", str(model), "--calibration", str(images), "--preprocess", TEXT]
    assert main([*command, "-o", str(out)]) == 0
    capsys.readouterr()
    command = ["verify", str(out / "model.tflite"), "--reference", str(model), "--json"]
    assert main([*command, "--data", str(images), "--runtimes", "litert"]) == 0
    assert json.loads(capsys.readouterr().out)["float_top1"] is not None
