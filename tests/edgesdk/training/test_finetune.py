"""Fine-tuning a small quantized network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgesdk
from edgesdk.labels import Labels
from edgesdk.quantized import Quantized
from edgesdk.training import Tuned, finetune
from edgesdk_quant.progress import Silent
from edgesdk_quant.recipe import Recipe
from edgesdk_runtimes.errors import InputError
from tests.edgesdk.small_network import CLASSES, images, network

COUNT = 96


W4A8 = Recipe.load("w4a8")
NEAREST = replace(W4A8.algorithms, rounding="nearest", distillation=0)


def quantized() -> Quantized:
    recipe = replace(W4A8, search=None, algorithms=NEAREST)
    return edgesdk.quantize(network(), calibration=images(8), recipe=recipe)


def classes(count: int = COUNT) -> Labels:
    """What the float network answers."""
    runner = edgesdk.Runner(network())
    scores = np.asarray(runner(images(count, seed=5)))
    return Labels({}, tuple(map(int, scores.argmax(axis=1))))


def tune(model: Any = None, labels: Labels | None = None, **options: Any) -> Tuned:
    model = quantized() if model is None else model
    options = {"epochs": 3, "rate": 0.005, "batch": 16} | options
    return finetune(model, images(COUNT, seed=5), labels, **options)


def test_the_float_network_teaches_without_labels() -> None:
    tuned = tune()
    assert len(tuned.epochs) == 4
    assert tuned.best.held_out < 0.8 * tuned.epochs[0].held_out


def test_labels_teach_without_the_float_network() -> None:
    model = edgesdk.load(quantized().to_bytes("onnx"))
    tuned = tune(model, classes())
    assert tuned.best.held_out < tuned.epochs[0].held_out


def test_the_same_command_gives_the_same_file() -> None:
    first, second = (tune(labels=classes()).quantized.to_bytes("tflite") for _ in range(2))
    assert first == second


def test_a_file_says_how_it_has_learnt() -> None:
    said = json.loads(tune(epochs=1).quantized.model.metadata_props["edgesdk.finetuning"])
    assert (said["epochs"], said["batch"], said["rate"]) == (1, 16, 0.005)
    assert len(said["data"]) == 64


def test_what_is_worse_on_held_out_samples_is_not_kept() -> None:
    model = quantized()
    tuned = tune(model, rate=0.9, epochs=1)
    assert tuned.best.number == 0
    first = edgesdk.Runner(model.to_bytes("tflite"), layout="source")(images(1))
    again = edgesdk.Runner(tuned.quantized.to_bytes("tflite"), layout="source")(images(1))
    assert np.array_equal(first, again)


class Interrupting(Silent):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, after: int) -> None:
        self.left = after

    def start(self, task: str, total: int | None, unit: str) -> None:
        self.counts = unit == "steps"

    def advance(self, units: int = 1) -> None:
        self.left -= self.counts
        if self.left < 0:
            raise KeyboardInterrupt


def test_a_stopped_run_goes_on_to_the_same_file(tmp_path: Path) -> None:
    whole = tune(labels=classes())
    with pytest.raises(KeyboardInterrupt):
        tune(labels=classes(), workdir=tmp_path, progress=Interrupting(9))
    kept = list(tmp_path.iterdir())
    assert [path.suffix for path in kept] == [".pt"]
    resumed = tune(labels=classes(), workdir=tmp_path)
    assert resumed.epochs == whole.epochs
    assert resumed.quantized.to_bytes("tflite") == whole.quantized.to_bytes("tflite")
    assert list(tmp_path.iterdir()) == []


def test_a_state_that_is_damaged_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        tune(workdir=tmp_path, progress=Interrupting(9))
    (state,) = tmp_path.iterdir()
    state.write_bytes(state.read_bytes()[:100])
    assert len(tune(workdir=tmp_path).epochs) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": 10}, "10 samples were given.*Give 16 or more"),
        ({"epochs": 0}, "epochs=0.*whole numbers from 1"),
        ({"rate": 2.0}, "rate=2.0.*between 0 and 1"),
        ({"labels": Labels({}, (CLASSES,) * COUNT)}, "A label is 7.*tells 7 classes"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        tune(**options)


def test_something_must_say_what_is_right() -> None:
    model = edgesdk.load(quantized().to_bytes("onnx"))
    with pytest.raises(InputError, match="96 of 96 samples have no label"):
        tune(model)
    assert len(tune(model, reference=network(), epochs=1).epochs) == 2


def test_samples_of_another_shape_are_named() -> None:
    data = [*images(20), np.zeros((1, 3, 8, 9), np.float32)]
    with pytest.raises(InputError, match="sample 20"):
        finetune(quantized(), data)


def test_batches_teach_as_their_samples_do() -> None:
    x = images(COUNT, seed=5)
    batches = [x[i : i + 24] for i in range(0, COUNT, 24)]
    whole, parts = (finetune(quantized(), data, epochs=1).quantized for data in (x, batches))
    assert whole.to_bytes("tflite") == parts.to_bytes("tflite")
    with pytest.raises(InputError, match="holds 24 at once"):
        finetune(quantized(), batches, classes())
