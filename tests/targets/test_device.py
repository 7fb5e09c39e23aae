"""Targets as machines: what the descriptions say, what they may not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesdk_runtimes.errors import RecipeError
from edgesdk_targets import load, names
from edgesdk_targets.device import load_device

DESCRIPTION = 'name = "mine"\ndescription = "a board"\nisa = "armv8-a"\n'


@pytest.mark.parametrize("name", names())
def test_each_description_is_a_target_and_a_machine(name: str) -> None:
    assert load(name).name == load_device(name).name == name


def test_a_raspberry_pi_4_is_four_a72_at_one_and_a_half_gigahertz() -> None:
    device = load_device("raspberrypi4")
    assert device.hardware is not None
    assert device.machine is not None
    assert device.emulation is not None
    assert (device.hardware.cores, device.hardware.clock_mhz) == (4, 1500)
    assert (device.machine.kernel, device.emulation.cpu) == ("aarch64", "cortex-a72")


def test_a_description_of_ones_own_may_name_a_board(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(DESCRIPTION + '[ssh]\nhost = "pi@attic"\n')
    board = load_device(path).board
    assert board is not None
    assert (board.host, board.config) == ("pi@attic", None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[hardware]\ncores = 0\ncpu = 'A72'\n", "cores is 0"),
        ("[hardware]\nspeed = 3\n", "no key speed"),
        ("[build]\nmachine = 'vax'\n", "choose from x86_64, aarch64, armv7"),
        ("[emulate]\npipeline = 'cortex-a72'\n", "cpu is None"),
        ("[ssh]\nport = 22\n", "no key port"),
        ("ssh = 'pi@attic'\n", r"write it as a table, \[ssh\]"),
    ],
)
def test_a_wrong_description_is_refused_with_its_key(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(DESCRIPTION + text)
    with pytest.raises(RecipeError, match=complaint):
        load_device(path)
