"""Reading model files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from edgesdk.artifact import Artifact, format_of, read_artifact
from edgesdk_runtimes.errors import InputError, ModelError
from edgesdk_runtimes.onnxruntime import OnnxRuntime
from tests.runtimes import small_onnx


def test_the_kind_is_told_by_the_bytes_not_by_the_name() -> None:
    assert format_of(b"\x1c\0\0\0TFL3rest", "model.onnx") == "tflite"
    assert format_of(small_onnx.scaled(), "model") == "onnx"
    assert format_of(b"{}", "model") == "spec"


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no file .*absent.onnx"):
        read_artifact(tmp_path / "absent.onnx")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        read_artifact(tmp_path)


def test_an_empty_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    with pytest.raises(ModelError, match=r"m\.onnx is empty"):
        read_artifact(tmp_path / "m.onnx")


def test_a_tflite_file_without_its_mark_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"PK\3\4 something else")
    with pytest.raises(ModelError, match="TFL3"):
        read_artifact(tmp_path / "m.tflite")


def test_an_artifact_passes_through() -> None:
    artifact = Artifact("m", "onnx", b"x")
    assert read_artifact(artifact) is artifact


def save_with_weights_outside(folder: Path) -> Path:
    model = onnx.load_from_string(small_onnx.scaled(features=1))
    weights = onnx.numpy_helper.from_array(np.full([1024], 3, np.float32), "two")
    model.graph.initializer[0].CopyFrom(weights)
    path = folder / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_weights_in_other_files_are_taken_in(tmp_path: Path) -> None:
    artifact = read_artifact(save_with_weights_outside(tmp_path))
    session = OnnxRuntime().open(artifact.data)
    assert session.run([np.ones((1, 1), np.float32)])[0].sum() == 3 * 1024


def test_missing_weights_are_named(tmp_path: Path) -> None:
    path = save_with_weights_outside(tmp_path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError, match="external file that cannot be read"):
        read_artifact(path)


def test_what_is_no_file_is_refused_with_what_makes_one() -> None:
    with pytest.raises(InputError, match=r"A dict is no model file\. .*edgesdk\.quantize"):
        read_artifact({})  # type: ignore[arg-type]
