"""Bad input: one sentence, a code, never a bare trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesdk.cli import main
from edgesdk_quant.preprocess import Preprocess
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import EdgeError
from tests.edgesdk import small_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("failures")
    small_network.write(made)
    return made


def failure(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is on stderr after a command that must fail with code 2."""
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert "Traceback" not in text
    assert text.startswith("error: ")
    assert len(text.splitlines()) == 1
    return text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["inspect", "absent.onnx"], "no file absent.onnx"),
        (["bench", "{f}/float.onnx", "--runtimes", "tpu"], "no runtime 'tpu'"),
        (["bench", "{f}/float.onnx", "--threads", "two"], "'two' was given"),
        (["run", "{f}/float.onnx", "absent.npy"], "no file absent.npy"),
        (["run", "{f}/float.onnx", "{f}/float.onnx"], "no .npy or .npz file"),
        (["quantize", "absent.onnx"], "absent.onnx"),
        (["quantize", "no.such.module:build"], "package.module:factory"),
        (["quantize", "os:cpu_count", "--recipe", "w8"], "model of type int"),
        (["quantize", "{f}/float.onnx"], "calibration"),
        (["quantize", "{f}/float.onnx", "--recipe", "w9"], "'w9'"),
        (["quantize", "{f}/float.onnx", "--recipe", "w8", "--target", "mars"], "'mars'"),
        (["quantize", "{f}/float.onnx", "--inputs", "image"], "name=1x3x224x224"),
        (["quantize", "{f}/float.onnx", "--calibration", "absent"], "absent"),
        (["quantize", "{f}/float.onnx", "--preprocess", "crop=a"], "crop=a"),
        (
            ["verify", "{f}/float.onnx", "--reference", "no", "--data", "{f}/images.npy"],
            "no file no",
        ),
        (["evaluate", "{f}/float.onnx", "--data", "{f}/images.npy"], "No labels"),
    ],
)
def test_wrong_arguments_are_one_sentence(
    folder: Path,
    arguments: list[str],
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complaint in failure([a.format(f=folder) for a in arguments], capsys)


def quantize(folder: Path, data: Path, out: Path) -> list[str]:
    return ["quantize", str(folder / "float.onnx"), "--calibration", str(data), "-o", str(out)]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_named(
    value: float, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = small_network.images(5)
    images[3, 0, 0, 0] = value
    np.save(tmp_path / "bad.npy", images)
    text = failure(quantize(folder, tmp_path / "bad.npy", tmp_path / "out"), capsys)
    assert "NaN or infinity" in text


def test_an_unreadable_image_among_many_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(20):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(images / f"{number:02}.png")
    (images / "13.png").write_bytes(b"")
    steps = ["--preprocess", "crop=8,resize=0"]
    text = failure([*quantize(folder, images, tmp_path / "out"), *steps], capsys)
    assert "13.png" in text


def test_a_folder_that_cannot_be_made_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    text = failure(quantize(folder, folder / "images.npy", tmp_path / "file" / "out"), capsys)
    assert "cannot be made" in text


def test_debug_shows_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "absent.onnx", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_ours_is_a_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down() -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("edgesdk.cli.doctor.diagnose", break_down)
    assert "unexpected RuntimeError: out of order" in failure(["doctor"], capsys)


def test_a_device_without_the_extra_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lack() -> None:
        raise ModuleNotFoundError("No module named 'onnx_ir'", name="onnx_ir")

    monkeypatch.setattr("edgesdk.cli.doctor.diagnose", lack)
    text = failure(["doctor"], capsys)
    assert "needs onnx_ir, which is not installed. Run: pip install 'edgesdk[quantize]'" in text


def test_a_warning_is_a_note_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import warnings

    def warn() -> None:
        warnings.simplefilter("always")
        warnings.warn("Running on litert.", stacklevel=1)
        raise EdgeError("enough")

    monkeypatch.setattr("edgesdk.cli.doctor.diagnose", warn)
    with warnings.catch_warnings():
        main(["doctor"])
    assert "note: Running on litert.\n" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edgesdk.api.quantize", interrupt)
    assert main(["quantize", "m.onnx", "-o", os.devnull.rsplit("/", 1)[0]]) == 130
    assert "run the same command again" in capsys.readouterr().err


def test_calibration_that_was_interrupted_goes_on(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C at the 11th image, then the same command: the same file as without, nothing left."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(20):
        Image.new("RGB", (8, 8), (10 * number, 50, 90)).save(images / f"{number:02}.png")
    loaded: list[str] = []
    load = Preprocess.load

    def load_until_ctrl_c(self: Preprocess, path: Path) -> Array:
        loaded.append(path.name)
        if len(loaded) == 11:
            raise KeyboardInterrupt
        return load(self, path)

    monkeypatch.setattr(Preprocess, "load", load_until_ctrl_c)
    steps = ["--preprocess", "crop=8,resize=0"]
    codes = [main([*quantize(folder, images, tmp_path / out), *steps]) for out in "aab"]
    assert codes == [130, 0, 0]
    assert "Calibration is kept" in capsys.readouterr().err
    first, straight = ((tmp_path / out / "model.onnx").read_bytes() for out in "ab")
    assert first == straight
    assert sorted(os.listdir(tmp_path / "a")) == ["model.onnx", "model.tflite"]


def test_a_full_disk_harms_no_earlier_artifact(folder: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("model.onnx", "model.tflite"):
        (out / name).write_bytes(b"earlier")
    code = (
        "import resource, signal, sys\n"
        "from edgesdk.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, *quantize(folder, folder / "images.npy", out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert all((out / n).read_bytes() == b"earlier" for n in ("model.onnx", "model.tflite"))
    assert not [p for p in out.iterdir() if p.is_file() and p.name.startswith(".model")]


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m edgesdk doctor | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr
