"""The same model gives the same bytes in any folder and process, which they do not tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgesdk.capture import capture
from edgesdk.export.tflite import export_tflite
from edgesdk_quant.graph import to_bytes
from edgesdk_runtimes.errors import UnsupportedError
from tests.quant.graph.written import model, random

TEXT = """agraph (float[N,3,8,8] x) => (float[N,5] y) {
    c = Conv(x, w) r = Relu(c) g = GlobalAveragePool(r) f = Flatten(g) e = Erf(f) y = Gemm(e, v, b)
}"""
PROGRAM = """
import hashlib, pathlib
import numpy as np
import edgesdk
samples = [np.random.default_rng(i).normal(size=(1, 3, 8, 8)).astype("float32") for i in range(4)]
quantized = edgesdk.quantize(pathlib.Path("source.onnx"), samples)
for name in ("model.onnx", "model.tflite"):
    quantized.save(pathlib.Path(name))
    data = pathlib.Path(name).read_bytes()
    assert str(pathlib.Path.cwd()).encode() not in data, "the folder is in the file"
    print(hashlib.sha256(data).hexdigest())
"""


def source() -> bytes:
    weights = {"w": random(4, 3, 3, 3), "v": random(4, 5), "b": random(5)}
    return to_bytes(model(TEXT, **weights))


def test_two_processes_in_two_folders_write_the_same_bytes(tmp_path: Path) -> None:
    printed = set()
    for name, seed in (("here", "1"), ("there/deeper", "2")):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "source.onnx").write_bytes(source())
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM],
            cwd=folder,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        printed.add(done.stdout)
    assert len(printed) == 1
    assert len(printed.pop().split()) == 2


def test_no_absolute_path_is_written(tmp_path: Path) -> None:
    path = tmp_path / "source.onnx"
    path.write_bytes(source())
    export_tflite(capture(path), tmp_path / "model.tflite")
    assert str(tmp_path).encode() not in (tmp_path / "model.tflite").read_bytes()


def test_a_refused_model_harms_no_file(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"what was there")
    graph = capture(model("agraph (float[2] x) => (float[2] y) { y = RandomNormalLike(x) }"))
    with pytest.raises(UnsupportedError, match="RandomNormalLike"):
        export_tflite(graph, path)
    assert path.read_bytes() == b"what was there"
