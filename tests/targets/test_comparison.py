"""A model on a target against this machine: the small models under qemu on every ARM core."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgesdk_runtimes import RUNTIMES
from edgesdk_targets.build import build_program
from edgesdk_targets.comparison import random_inputs, run_and_compare
from edgesdk_targets.device import Device, load_device
from edgesdk_targets.places import Emulated, Here

MODELS = Path(__file__).resolve().parents[2] / "native/tests/data"


def program_for(device: Device) -> Path:
    if device.machine is None:
        pytest.fail(f"{device.name} has no machine")
    for tool in (device.machine.qemu, f"{device.machine.gcc}gcc", "cmake"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    return build_program(device.machine)


@pytest.mark.native
@pytest.mark.parametrize("target", ["raspberrypi3-32", "raspberrypi4", "raspberrypi5"])
@pytest.mark.parametrize("model", ["convolution", "loop", "branch"])
def test_an_emulated_core_gives_this_machines_bits(target: str, model: str) -> None:
    device = load_device(target)
    found = run_and_compare(Emulated(device), program_for(device), MODELS / f"{model}.tflite")
    assert found.same_bits, found.outputs


@pytest.mark.native
def test_a_difference_is_counted_and_measured(tmp_path: Path) -> None:
    """The program is one that writes the model's output with one element moved by 2."""
    model = MODELS / "convolution.tflite"
    session = RUNTIMES["native"].open(model.read_bytes())
    (moved,) = session.run(random_inputs(session.inputs))
    moved[0, 1] ^= 2
    np.save(tmp_path / "moved.npy", moved)
    program = tmp_path / "wrong"
    program.write_text(f"#!/bin/sh\ncp {tmp_path}/moved.npy output0.npy\n")
    program.chmod(0o755)
    found = run_and_compare(Here(), program, model)
    (output,) = found.outputs
    assert (output.name, output.different, output.largest) == ("y", 1, 2.0)
    assert not found.agrees


@pytest.mark.native
@pytest.mark.parametrize(("error", "agrees"), [(1e-6, True), (1e-3, False), (np.nan, False)])
def test_reals_may_differ_in_their_last_bits_alone(
    tmp_path: Path, error: float, agrees: bool
) -> None:
    model = MODELS / "counter.tflite"
    session = RUNTIMES["native"].open(model.read_bytes())
    (moved,) = session.run(random_inputs(session.inputs))
    moved[0, moved.argmax()] *= 1 + error
    np.save(tmp_path / "moved.npy", moved)
    program = tmp_path / "wrong"
    program.write_text(f"#!/bin/sh\ncp {tmp_path}/moved.npy output0.npy\n")
    program.chmod(0o755)
    found = run_and_compare(Here(), program, model)
    assert (found.same_bits, found.agrees) == (False, agrees)
