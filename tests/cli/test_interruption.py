"""A stopped calibration in a process of its own: Ctrl-C, a bad image, a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesdk.cli import main
from tests.edgesdk import small_network

pytestmark = pytest.mark.native
IMAGES = 12
PATIENCE_S = 120.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """float.onnx and images/; the last image is still to come."""
    small_network.write(tmp_path)
    (tmp_path / "images").mkdir()
    for number in range(IMAGES - 1):
        write_image(tmp_path, number)
    return tmp_path


def write_image(folder: Path, number: int) -> None:
    path = folder / "images" / f"{number:02}.png"
    Image.new("RGB", (8, 8), (10 * number, 50, 90)).save(path)


def command(folder: Path, out: str) -> list[str]:
    data = ["--calibration", str(folder / "images"), "--preprocess", "crop=8,resize=0"]
    return ["quantize", str(folder / "float.onnx"), *data, "-o", str(folder / out)]


def artifact(folder: Path, out: str) -> bytes:
    return (folder / out / "model.onnx").read_bytes()


def saved_states(folder: Path, out: str) -> list[Path]:
    return list((folder / out / ".calibration").glob("*.npz"))


def hear_ctrl_c() -> None:
    """A gate may run in the background, where shells let programs inherit a deaf SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_reader(pipe: Path) -> int:
    """Open the pipe once a process reads it; it waits as long as this end stays open."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nobody opened {pipe}")


def test_ctrl_c_in_calibration_goes_on_where_it_stopped(folder: Path) -> None:
    """The last image is a pipe: the process waits there when the signal comes."""
    last = folder / "images" / f"{IMAGES - 1:02}.png"
    os.mkfifo(last)
    (folder / "a").mkdir()
    (folder / "a" / "model.onnx").write_bytes(b"earlier")
    process = subprocess.Popen(
        [sys.executable, "-m", "edgesdk", *command(folder, "a")],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )
    writer = wait_for_reader(last)
    process.send_signal(signal.SIGINT)
    os.close(writer)  # a signal that comes just before the process reads does not end the reading
    _, text = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert text.splitlines()[-1].startswith("Interrupted. Calibration is kept")
    assert "Traceback" not in text
    assert artifact(folder, "a") == b"earlier"
    assert len(saved_states(folder, "a")) == 1

    last.unlink()
    write_image(folder, IMAGES - 1)
    assert main(command(folder, "a")) == 0
    assert main(command(folder, "b")) == 0
    assert artifact(folder, "a") == artifact(folder, "b")
    assert not (folder / "a" / ".calibration").exists()


def test_a_killed_loop_goes_on_with_the_step_it_was_at(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(folder / "test.npy", small_network.images(400, seed=5))
    loop = ["--recipe", "w4a8", "--test", str(folder / "test.npy"), "--max-drop", "0.001"]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgesdk", *command(folder, "a"), *loop],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert "min: drops too much" in first

    status = main([*command(folder, "a"), *loop])
    lines = capsys.readouterr().out.splitlines()
    assert "measured before: drops too much" in lines[0]
    assert lines[0].partition(" lost")[0] == first.partition(" lost")[0]
    assert status == (0 if any("min: holds" in line for line in lines) else 1)
    assert "Without labels the figures are answers" in "\n".join(lines)


def test_a_bad_image_costs_no_work(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = folder / "images" / f"{IMAGES - 1:02}.png"
    last.write_bytes(b"no image")
    assert main(command(folder, "a")) == 2
    assert f"{IMAGES - 1:02}.png cannot be read as an image" in capsys.readouterr().err
    assert len(saved_states(folder, "a")) == 1
    write_image(folder, IMAGES - 1)
    assert [main(command(folder, out)) for out in "ab"] == [0, 0]
    assert artifact(folder, "a") == artifact(folder, "b")


def test_a_full_device_is_told_and_stays_a_device(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(folder / "float.onnx"), str(folder / "images.npy"), "-o", "/dev/full"]
    assert main(["run", *arguments]) == 2
    assert "/dev/full cannot be written (No space left on device)" in capsys.readouterr().err
    assert Path("/dev/full").is_char_device()
