"""Reports of a small network, gathered for real."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgesdk
from edgesdk.plain import to_plain
from edgesdk.report import FrontPoint, Report, page, report_artifact
from edgesdk_quant.data import open_data
from edgesdk_runtimes.errors import InputError, OutputError
from tests.edgesdk import small_network

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def quantized() -> edgesdk.Quantized:
    return edgesdk.quantize(small_network.network(), small_network.images(24))


@pytest.fixture(scope="module")
def report(quantized: edgesdk.Quantized, tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = tmp_path_factory.mktemp("report") / "report.html"
    made = quantized.report(path, rounds=1)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    return made


def test_a_model_is_compared_on_its_calibration_samples(report: Report) -> None:
    assert report.verification is not None
    assert report.verification.samples == 8
    assert {r.runtime for r in report.verification.results} >= {"reference", "native"}
    assert report.on_calibration
    assert any("of calibration" in note for note in report.notes)


def test_every_computing_layer_has_its_noise_time_and_histogram(report: Report) -> None:
    layers = {layer.name: layer for layer in report.layers}
    for name in ("stem", "inner", "residual", "pool"):
        layer = layers[name]
        assert layer.damage is not None
        assert layer.activations is not None
        assert sum(layer.activations.counts) == 24 * np.prod(layer.result.shape[1:])  # type: ignore
    assert layers["residual"].time is not None  # alone, or with the convolution in front of it
    assert 0.8 < sum(layer.time.share for layer in report.layers if layer.time) <= 1.001


def test_sizes_and_hashes_are_those_of_the_files(
    report: Report, quantized: edgesdk.Quantized
) -> None:
    sizes = {file.name: file.size_bytes for file in report.files}
    assert sizes == {
        "model.onnx": len(quantized.to_bytes("onnx")),
        "model.tflite": len(quantized.to_bytes("tflite")),
    }
    assert report.provenance is not None
    assert "SHA-256 of model.tflite" in report.provenance


def test_no_path_of_this_machine_is_in_a_report(quantized: edgesdk.Quantized) -> None:
    text = json.dumps(to_plain(quantized.report(rounds=1)))
    assert "/tmp" not in text
    assert str(Path.home()) not in text


def test_a_given_verification_is_shown_as_it_is(
    report: Report, quantized: edgesdk.Quantized
) -> None:
    again = quantized.report(verification=report.verification, rounds=0)
    assert again.verification == report.verification
    assert again.benchmark is None


def test_data_and_labels_of_ones_own_make_accuracy(
    quantized: edgesdk.Quantized, tmp_path: Path
) -> None:
    images = small_network.images(12, seed=5)
    scores = np.asarray(edgesdk.Runner(small_network.network())(images))
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(map(str, scores.argmax(axis=1))))
    made = quantized.report(data=images, labels=labels, rounds=0)
    assert made.verification is not None
    assert made.verification.float_top1 == 100
    assert not made.on_calibration
    assert not any("of calibration" in note for note in made.notes)


def test_calibration_that_cannot_be_read_again_is_said_and_fails_nothing(
    quantized: edgesdk.Quantized,
) -> None:
    assert quantized.origin is not None
    spent = open_data(iter(()))
    once = replace(quantized, origin=replace(quantized.origin, data=spent))
    made = once.report(rounds=0)
    assert made.verification is None
    assert any("cannot be read again" in note for note in made.notes)
    assert any(layer.activations for layer in made.layers)


def test_a_file_without_its_float_model_is_shown_without_comparison(
    quantized: edgesdk.Quantized, tmp_path: Path
) -> None:
    path = tmp_path / "model.tflite"
    quantized.save(path)
    made = report_artifact(path, rounds=0)
    assert made.network.format == "tflite"
    assert made.verification is None
    assert any(layer.time for layer in made.layers)
    assert "Nothing was compared" in made.advice[0].finding


def test_both_files_tell_the_same_about_a_layer(
    quantized: edgesdk.Quantized, tmp_path: Path
) -> None:
    model, data = small_network.write(tmp_path)
    (tmp_path / "out").mkdir()
    for name in ("model.onnx", "model.tflite"):
        quantized.save(tmp_path / "out" / name)
    made = [
        report_artifact(tmp_path / "out" / name, model, data, limit=4, rounds=0)
        for name in ("model.onnx", "model.tflite")
    ]
    noise = [
        {x.damage.tensor: (x.damage.sqnr_db, x.macs) for x in report.layers if x.damage}
        for report in made
    ]
    assert noise[0] == noise[1]
    assert len(noise[0]) >= 5


def test_a_weight_only_model_says_why_its_activations_are_float() -> None:
    made = edgesdk.quantize(small_network.network(), recipe="w8").report(rounds=0)
    reasons = {kept.reason for kept in made.kept_float}
    assert "recipe w8 leaves activations in float" in reasons


def test_a_name_that_is_no_page_is_refused_before_any_work(quantized: edgesdk.Quantized) -> None:
    with pytest.raises(InputError, match=r"written as \.html or \.json"):
        quantized.report("report.pdf")


def test_a_folder_that_does_not_exist_is_refused_before_any_work(
    quantized: edgesdk.Quantized, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        quantized.report(tmp_path / "nowhere" / "report.html")


def test_data_without_the_float_model_is_refused(
    quantized: edgesdk.Quantized, tmp_path: Path
) -> None:
    quantized.save(tmp_path / "model.tflite")
    with pytest.raises(InputError, match="Give the float model"):
        report_artifact(tmp_path / "model.tflite", data=small_network.images(2))


def test_a_front_is_shown_with_its_metric(quantized: edgesdk.Quantized) -> None:
    made = quantized.report(front=[FrontPoint("all", 10, 90.0)], metric="top-1 %", rounds=0)
    assert made.front == (FrontPoint("all", 10, 90.0),)
    assert "size against top-1 %" in page(made)


def test_json_is_the_data_of_the_page(quantized: edgesdk.Quantized, tmp_path: Path) -> None:
    quantized.report(tmp_path / "report.json", rounds=0)
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert found["title"] == "model.onnx"
    assert len(found["layers"]) == len(found["grouping"]["members"])
