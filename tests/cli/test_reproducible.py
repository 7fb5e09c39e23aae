"""The same model, data and recipe give the same bytes, wherever and whenever that is."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edgesdk import small_network

pytestmark = pytest.mark.native


def digests(folder: Path, seed: str) -> list[str]:
    """SHA-256 of both files of a process of its own, with its own order of hashes."""
    command = [sys.executable, "-m", "edgesdk", "quantize", "float.onnx"]
    command += ["--calibration", "images.npy", "-o", "out"]
    environment = os.environ | {"PYTHONHASHSEED": seed}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    files = [folder / "out" / f"model.{kind}" for kind in ("onnx", "tflite")]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def test_two_folders_and_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "quite" / "another place"
    first.mkdir()
    small_network.write(first)
    shutil.copytree(first, second)
    assert digests(first, "1") == digests(second, "2")


def test_no_path_of_the_machine_is_inside(tmp_path: Path) -> None:
    small_network.write(tmp_path)
    digests(tmp_path, "0")
    for kind in ("onnx", "tflite"):
        data = (tmp_path / "out" / f"model.{kind}").read_bytes()
        for path in (str(tmp_path), os.getcwd(), sys.prefix):
            assert path.encode() not in data
