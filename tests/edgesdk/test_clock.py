"""Clocks: native kernels here, and a core that is modelled."""

from __future__ import annotations

import shutil

import pytest

import edgesdk
from edgesdk.clock import CoreClock, NativeClock, clock_for
from edgesdk.quantized import Quantized
from edgesdk_quant.progress import Silent
from edgesdk_runtimes import cpu
from edgesdk_runtimes.errors import InputError, RecipeError
from edgesdk_targets.machines import this_machine
from tests.edgesdk import small_network

pytestmark = pytest.mark.native
LAYERS = frozenset({"r0", "c1", "scores_float", "scores"})


@pytest.fixture(scope="module")
def quantized() -> Quantized:
    return edgesdk.quantize(small_network.network(), small_network.images(16))


def test_each_layer_and_the_whole_are_timed(quantized: Quantized) -> None:
    found = NativeClock().times([quantized.model, quantized.model], LAYERS, Silent())
    assert len(found) == 2
    for times in found:
        assert {"r0", "c1"} <= times.layers_ms.keys() <= LAYERS
        assert all(0 < ms < times.total_ms * 2 for ms in times.layers_ms.values())


def test_a_target_of_this_kind_of_machine_is_timed_here() -> None:
    assert clock_for("generic") == NativeClock()
    if this_machine().name == "x86_64":
        assert clock_for("x86-avx2") == NativeClock("avx2")


def test_other_machines_are_modelled_or_refused() -> None:
    if this_machine().name != "x86_64":
        pytest.skip("the targets are those of other machines only on x86-64")
    assert isinstance(clock_for("raspberrypi4"), CoreClock)
    with pytest.raises(InputError, match=r"raspberrypi3-32: .* Give a budget of bytes"):
        clock_for("raspberrypi3-32")


def test_the_core_s_model_tells_layers_alone_and_the_whole(quantized: Quantized) -> None:
    for tool in ("qemu-aarch64", "aarch64-linux-gnu-gcc", "cmake", "llvm-mca-19"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if not cpu.detect().is_x86:
        pytest.skip("a Raspberry Pi is timed, not modelled")
    clock = clock_for("raspberrypi4")
    first, again = clock.times([quantized.model, quantized.model], LAYERS, Silent())
    assert first == again  # a model does not scatter
    assert first.layers_ms["c1"] > first.layers_ms["r0"] > 0
    assert first.total_ms > first.layers_ms["c1"]


def test_a_latency_budget_goes_from_python_to_the_recipe_of_the_file() -> None:
    data = small_network.images(16)
    made = edgesdk.quantize(small_network.network(), data, "mixed", budget="1000ms")
    assert made.origin is not None
    searched = made.origin.searched
    assert searched is not None
    assert searched.latencies is not None
    assert searched.latencies.clock.startswith("native here")
    chosen = [point for point in made.front if point.chosen]
    assert [set(point.bits.values()) for point in chosen] == [{8}]
    with pytest.raises(RecipeError, match="the dearest"):
        edgesdk.quantize(small_network.network(), data, "mixed", budget="0.000001ms")
