"""Damaged and hostile model files through the verbs: one sentence that names the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgesdk.cli import main
from tests.edgesdk import small_network

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """float.onnx, images.npy and the artifacts in out/."""
    made = tmp_path_factory.mktemp("hostile")
    model, data = small_network.write(made)
    assert main(["quantize", str(model), "--calibration", str(data), "-o", str(made / "out")]) == 0
    return made


def with_nan(proto: onnx.ModelProto) -> None:
    weights = numpy_helper.to_array(proto.graph.initializer[0]).copy()
    weights[0, 0, 0, 0] = np.nan
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w0"))


def with_unknown_operator(proto: onnx.ModelProto) -> None:
    proto.graph.node[1].op_type = "Frobnicate"


def with_dangling_input(proto: onnx.ModelProto) -> None:
    proto.graph.node[2].input[0] = "nowhere"


def from_the_future(proto: onnx.ModelProto) -> None:
    proto.opset_import[0].version = 99


def with_contradicting_shapes(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].attribute[0].ints[:] = [1, 2, 3]


def weights_outside(proto: onnx.ModelProto) -> None:
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (with_nan, "not finite: w0 (1 of 432)"),
        (with_unknown_operator, "does not define: Frobnicate"),
        (with_dangling_input, "nowhere of node 'inner'"),
        (from_the_future, "has opset 99; "),
        (with_contradicting_shapes, "contradict each other"),
        (weights_outside, "cannot be read"),
    ],
)
def test_an_onnx_file_that_is_wrong_is_refused_with_the_reason(
    spoil: Callable[[onnx.ModelProto], None],
    complaint: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    proto = onnx.load_from_string(small_network.network())
    spoil(proto)
    (tmp_path / "bad.onnx").write_bytes(proto.SerializeToString())
    command = ["quantize", str(tmp_path / "bad.onnx"), "--calibration", str(folder / "images.npy")]
    assert complaint in refusal([*command, "-o", str(tmp_path / "out")], capsys)
    assert list((tmp_path / "out").iterdir()) == []


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr of a command that must fail with code 2."""
    capsys.readouterr()
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert "Traceback" not in text
    assert "unexpected" not in text
    assert len(text.splitlines()) == 1
    return text


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def noisy(data: bytes) -> bytes:
    """Each 30th byte is turned, the mark of the format is kept."""
    changed = np.frombuffer(data, np.uint8).copy()
    changed[30::30] ^= 0xA5
    return changed.tobytes()


def foreign(data: bytes) -> bytes:
    return data[:8] + b"\xff" * 200


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
@pytest.mark.parametrize("spoil", [cut, noisy, foreign])
@pytest.mark.parametrize("verb", ["run", "inspect", "bench", "evaluate", "verify", "finetune"])
def test_a_damaged_artifact_is_named_by_every_verb(
    verb: str,
    spoil: Callable[[bytes], bytes],
    suffix: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, images = tmp_path / f"bad.{suffix}", str(folder / "images.npy")
    path.write_bytes(spoil((folder / "out" / f"model.{suffix}").read_bytes()))
    (tmp_path / "labels.csv").write_text("0\n" * 24)
    labels = ["--labels", str(tmp_path / "labels.csv")]
    arguments = {
        "run": [images],
        "inspect": [],
        "bench": ["--rounds", "1"],
        "evaluate": ["--data", images, *labels],
        "verify": ["--reference", str(folder / "float.onnx"), "--data", images],
        "finetune": ["--data", images, "-o", str(tmp_path)],
    }[verb]
    assert f"bad.{suffix}" in refusal([verb, str(path), *arguments], capsys)


def test_an_artifact_is_no_float_reference(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact, images = str(folder / "out" / "model.onnx"), str(folder / "images.npy")
    arguments = ["verify", artifact, "--reference", artifact, "--data", images]
    assert "is quantized. Give the float model" in refusal(arguments, capsys)


def test_a_tflite_file_is_nothing_to_quantize(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = str(folder / "out" / "model.tflite")
    command = ["quantize", artifact, "--recipe", "w8", "-o", str(tmp_path)]
    assert "no way back to a graph" in refusal(command, capsys)
