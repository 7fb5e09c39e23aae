"""The main job on a small network, from float to proof."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import edgesdk
from edgesdk.verification import Border
from edgesdk_runtimes.errors import InputError
from tests.edgesdk import small_network


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with float.onnx, images.npy, labels.csv and the artifact of both kinds."""
    folder = tmp_path_factory.mktemp("small")
    model, _ = small_network.write(folder)
    quantized = edgesdk.quantize(model, small_network.images(32, seed=2))
    for name in ("model.onnx", "model.tflite"):
        quantized.save(folder / name)
    scores = edgesdk.Runner(model)(small_network.images(24))
    classes = np.asarray(scores).argmax(axis=1)
    (folder / "labels.csv").write_text("\n".join(map(str, classes)))
    return folder


def test_every_node_is_accounted_for(files: Path) -> None:
    quantized = edgesdk.quantize(files / "float.onnx", small_network.images(8))
    assert sum(quantized.counts().values()) == len(quantized.decisions) > 0
    assert quantized.counts().keys() <= {"int8", "float"}
    assert quantized.report_text().startswith("Nodes: ")


def test_the_same_input_gives_the_same_bytes() -> None:
    def digest(kind: str) -> str:
        quantized = edgesdk.quantize(small_network.network(), small_network.images(8))
        return hashlib.sha256(quantized.to_bytes(kind)).hexdigest()

    for kind in ("onnx", "tflite"):
        assert digest(kind) == digest(kind)


def test_data_corrects_the_biases_of_weight_only_models_and_is_hashed() -> None:
    network, key = small_network.network(), "edgesdk.data_sha256"
    without, *others = (
        edgesdk.quantize(network, data, "w8").model
        for data in (None, small_network.images(8), small_network.images(8, seed=5))
    )
    full = edgesdk.quantize(network, small_network.images(8)).model
    assert len({m.metadata_props[key] for m in (without, *others)}) == 3
    assert others[0].metadata_props[key] == full.metadata_props[key]
    exact = np.asarray(edgesdk.Runner(network)(small_network.images(24)))
    runners = [edgesdk.Runner(edgesdk.Quantized(m).to_bytes("onnx")) for m in (without, others[0])]
    plain, corrected = (
        np.square(np.asarray(r(small_network.images(24))) - exact).sum() for r in runners
    )
    assert corrected < plain


@pytest.mark.native
def test_all_runtimes_agree_with_the_simulation_and_nearly_with_float(files: Path) -> None:
    proof = edgesdk.verify(
        files / "model.onnx",
        files / "float.onnx",
        files / "images.npy",
        files / "labels.csv",
        border=Border(min_sqnr=15, max_drop=30),
    )
    assert proof.passed
    assert proof.float_top1 == 100
    assert proof.samples == 24
    assert {r.runtime: r.failure for r in proof.results} == dict.fromkeys(
        ("reference", "onnxruntime", "litert", "native"), ""
    )
    different = {r.runtime: r.different for r in proof.results}
    assert different["litert"] == different["native"] == 0
    assert str(proof.audits[0]).startswith("2/2 conv")
    assert all(audit.complete for audit in proof.audits)


def test_the_worst_layers_carry_names_of_the_float_model(files: Path) -> None:
    proof = edgesdk.verify(
        files / "model.tflite", files / "float.onnx", files / "images.npy", limit=2, runtimes=[]
    )
    assert 0 < len(proof.layers) <= 5
    last = "scores_float"  # what the file calls `scores` in front of its DEQUANTIZE
    known = {"r0", "r1", "sum", "c1", "pooled", "flat", last}
    assert {damage.tensor for damage in proof.layers} <= known
    assert all(np.isfinite(damage.sqnr_db) for damage in proof.layers)


def test_a_threshold_that_is_missed_is_said(files: Path) -> None:
    proof = edgesdk.verify(
        files / "model.tflite",
        files / "float.onnx",
        files / "images.npy",
        runtimes=["litert"],
        border=Border(min_sqnr=99),
        layers=0,
    )
    assert not proof.passed
    assert "below 99 dB" in proof.missed[0]


def test_a_wrong_reference_is_refused(files: Path) -> None:
    with pytest.raises(InputError, match=r"is no \.onnx file"):
        edgesdk.verify(files / "model.onnx", files / "model.tflite", files / "images.npy")


def test_labels_that_match_nothing_are_told(files: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class\nother.jpg,3\n")
    with pytest.raises(InputError, match="None of the 24 samples is among the 1 labels"):
        edgesdk.verify(
            files / "model.tflite", files / "float.onnx", files / "images.npy", labels, layers=0
        )


def test_accuracy_is_measured_in_the_layout_of_the_source(files: Path) -> None:
    for name in ("float.onnx", "model.onnx", "model.tflite"):
        found = edgesdk.evaluate(files / name, files / "images.npy", files / "labels.csv")
        assert found.accuracy.samples == 24
        assert found.accuracy.top1 >= 80
        assert found.accuracy.top5 == 100


def test_evaluation_without_labels_says_what_to_give(files: Path) -> None:
    with pytest.raises(InputError, match="No labels were given"):
        edgesdk.evaluate(files / "model.onnx", files / "images.npy")


def test_a_label_that_is_no_class_is_told(files: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("1000\n" * 24)
    with pytest.raises(InputError, match="label 1000; the model has the classes 0 to 6"):
        edgesdk.evaluate(files / "model.onnx", files / "images.npy", labels)


def test_a_quantized_file_is_loaded_and_saved_as_the_other_kind(files: Path) -> None:
    assert (
        edgesdk.load(files / "model.onnx").to_bytes("tflite")
        == (files / "model.tflite").read_bytes()
    )


@pytest.mark.parametrize("name", ["float.onnx", "model.tflite"])
def test_what_is_no_quantized_graph_is_not_loaded(files: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        edgesdk.load(files / name)


def test_another_suffix_is_refused(files: Path) -> None:
    with pytest.raises(InputError, match=r"'\.pt' was given; .* \.onnx or \.tflite"):
        edgesdk.load(files / "model.onnx").save(files / "model.pt")


@pytest.mark.native
def test_an_onnx_artifact_runs_natively_in_its_own_layout(files: Path) -> None:
    x = small_network.images(5)
    native = edgesdk.Runner(files / "model.onnx", "native")
    assert native.inputs[0].shape == (1, 3, 8, 8)
    from_file = edgesdk.Runner(files / "model.tflite", "native")
    np.testing.assert_array_equal(native(x), from_file(x.transpose(0, 2, 3, 1)))


@pytest.mark.native
def test_a_tflite_file_runs_in_the_layout_of_its_source(files: Path) -> None:
    x = small_network.images(5)
    source = edgesdk.Runner(files / "model.tflite", "native", layout="source")
    assert source.inputs[0].shape == (1, 3, 8, 8)
    np.testing.assert_array_equal(source(x), edgesdk.Runner(files / "model.onnx", "native")(x))


@pytest.mark.native
def test_arrays_of_the_source_model_are_told_from_misfits(files: Path) -> None:
    runner = edgesdk.Runner(files / "model.tflite", "native")
    with pytest.raises(InputError, match="They fit the source model: use layout='source'"):
        runner(small_network.images(5))
    with pytest.raises(InputError, match=r"the model file\.$"):
        runner(small_network.images(5)[:, :, :4])


def test_another_layout_is_refused(files: Path) -> None:
    with pytest.raises(InputError, match="choose one of: file, source"):
        edgesdk.Runner(files / "model.onnx", layout="up")


def test_preprocessing_is_remembered(tmp_path: Path) -> None:
    from edgesdk.artifact import read_artifact
    from edgesdk.sources import preprocess_of

    quantized = edgesdk.quantize(
        small_network.network(), small_network.images(8), preprocess="crop=8,resize=0,mean=127"
    )
    for name in ("m.onnx", "m.tflite"):
        quantized.save(tmp_path / name)
        steps = preprocess_of(None, read_artifact(tmp_path / name))
        assert steps is not None
        assert (steps.crop, steps.mean) == (8, (127.0,))
