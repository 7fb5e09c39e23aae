"""What is built for a device fits it."""

from __future__ import annotations

import importlib.util

import pytest

from edgesdk_targets.build import build_program
from edgesdk_targets.device import load_device

MOST_BYTES = 400_000


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="ziglang is not installed (pip)"
)
@pytest.mark.parametrize("name", ["raspberrypi3-32", "raspberrypi4"])
def test_a_static_edge_run_built_by_zig_has_at_most_400_kilobytes(name: str) -> None:
    machine = load_device(name).machine
    assert machine is not None
    program = build_program(machine, "zig")
    assert program.stat().st_size <= MOST_BYTES
