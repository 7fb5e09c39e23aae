"""`edgesdk target`: what it prints and returns."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from edgesdk.cli import main

MODEL = Path(__file__).resolve().parents[2] / "native/tests/data/convolution.tflite"


def test_list_names_the_devices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["target", "list"]) == 0
    said = capsys.readouterr().out
    for name in ("generic", "raspberrypi3-32", "raspberrypi4", "raspberrypi5", "x86-avx2"):
        assert name in said


def test_list_as_json_holds_the_hardware(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["target", "list", "--json"]) == 0
    devices = {device["name"]: device for device in json.loads(capsys.readouterr().out)}
    assert devices["raspberrypi5"]["hardware"]["clock_mhz"] == 2400
    assert devices["raspberrypi5"]["emulation"]["pipeline"] == "neoverse-n1"


def test_an_unknown_target_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["target", "build", "raspberrypi9", "-o", str(tmp_path)]) == 2
    assert "allowed are generic, raspberrypi3-32" in capsys.readouterr().err


@pytest.mark.native
def test_a_program_built_for_this_machine_runs_and_gives_the_same_bits(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if shutil.which("gcc") is None or shutil.which("cmake") is None:
        pytest.skip("gcc or cmake is not installed")
    assert main(["target", "build", "generic", "-o", str(tmp_path)]) == 0
    assert (tmp_path / "edge-run").stat().st_mode & stat.S_IXUSR
    assert {path.name for path in tmp_path.iterdir()} == {"edge-run", "libedgert.so", "edgert.h"}
    assert main(["target", "run", "generic", str(MODEL), "-o", str(tmp_path / "out")]) == 0
    assert "every bit is the same" in capsys.readouterr().out
    assert (tmp_path / "out/output0.npy").is_file()
    assert main(["target", "bench", "generic", str(MODEL), "--json"]) == 0
    times = json.loads(capsys.readouterr().out)
    assert times["runs"] == 100
    assert 0 < times["min_ms"] <= times["p50_ms"]
