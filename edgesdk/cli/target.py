"""`edgesdk target`: devices: what there is, build for one, run on one, measure on one."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from edgesdk.cli.options import add_json, names
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.target_costs import print_costs, print_times
from edgesdk.cli.verb import Verb
from edgesdk_runtimes.errors import InputError, RuntimeMissingError
from edgesdk_targets import names as target_names
from edgesdk_targets.build import build_program, install
from edgesdk_targets.comparison import Comparison, run_and_compare
from edgesdk_targets.device import Board, Device, load_device
from edgesdk_targets.estimate import RUNTIMES, Estimate, estimate
from edgesdk_targets.machines import this_machine
from edgesdk_targets.places import Emulated, Here, Place, Remote
from edgesdk_targets.sysroot import prepare
from edgesdk_targets.timing import time_on
from edgesdk_targets.toolchains import COMPILERS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the devices that are known")
    listing.set_defaults(action=_list)
    add_json(listing)
    preparing = actions.add_parser("prepare", help="fetch Python and LiteRT for its machine, once")
    preparing.set_defaults(action=_prepare)
    building = actions.add_parser("build", help="edge-run and libedgert for a device")
    building.add_argument("-o", "--output", required=True, help="folder for what is built")
    building.set_defaults(action=_build)
    running = actions.add_parser("run", help="run a model there, compare with this machine's bits")
    running.set_defaults(action=_run)
    running.add_argument(
        "--input", action="append", help=".npy file, once an input (default noise)"
    )
    running.add_argument("-o", "--output", help="folder for the outputs as .npy files")
    bench = actions.add_parser("bench", help="instructions and cycles under qemu, times elsewhere")
    bench.set_defaults(action=_bench)
    bench.add_argument("--runtimes", default=",".join(RUNTIMES), help="default %(default)s")
    bench.add_argument("--hot", type=int, default=0, metavar="N", help="show the N hottest blocks")
    bench.add_argument("--code", action="store_true", help="with --hot: their instructions")
    for action in (preparing, building, running, bench):
        action.add_argument("target", metavar="NAME", help="see `edgesdk target list`, or a .toml")
    for action in (running, bench):
        action.add_argument("model", help=".tflite file")
        action.add_argument("--ssh", metavar="HOST", help="a real board, e.g. pi@raspberrypi.local")
        action.add_argument("--ssh-config", metavar="FILE", help="ssh's settings: port, key, ...")
        add_json(action)
    for action in (building, running, bench):
        action.add_argument("--compiler", choices=COMPILERS, default="gcc", help="%(default)s")


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    return int(options.action(options))


def _list(options: argparse.Namespace) -> int:
    devices = [load_device(name) for name in target_names()]
    if options.json:
        print_json(devices)
        return 0
    columns = ["name", "ISA", ">cores", ">MHz", "qemu", "description"]
    print_table("targets", columns, [_device_row(device) for device in devices])
    return 0


def _device_row(device: Device) -> tuple[str, ...]:
    hardware = device.hardware
    return (
        device.name,
        device.isa,
        str(hardware.cores) if hardware else "-",
        str(hardware.clock_mhz) if hardware else "-",
        device.emulation.cpu if device.emulation else "-",
        device.description,
    )


def _prepare(options: argparse.Namespace) -> int:
    print(prepare(load_device(options.target)))
    return 0


def _build(options: argparse.Namespace) -> int:
    device = load_device(options.target)
    machine = device.machine or this_machine()
    for path in install(machine, options.compiler, Path(options.output)):
        print(f"{path}  {path.stat().st_size} bytes")
    return 0


def _run(options: argparse.Namespace) -> int:
    """Exit code 1: integers differ in a bit, or reals by more than instruction sets explain."""
    device = load_device(options.target)
    program = build_program(device.machine or this_machine(), options.compiler)
    inputs = [_load(path) for path in options.input] if options.input else None
    found = run_and_compare(_place(options, device), program, Path(options.model), inputs)
    _save(found, options.output)
    if options.json:
        plain = {"place": found.place, "same_bits": found.same_bits, "agrees": found.agrees}
        print_json({**plain, "outputs": found.outputs})
    else:
        _print_comparison(found)
    return 0 if found.agrees else 1


def _load(path: str) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    try:
        array: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = np.load(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no .npy file that can be read ({error}).") from None
    return array


def _save(found: Comparison, folder: str | None) -> None:
    if folder is None:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for index, array in enumerate(found.arrays):
        np.save(Path(folder) / f"output{index}.npy", array)


def _print_comparison(found: Comparison) -> None:
    rows = [
        (o.name, f"{o.dtype}{list(o.shape)}", str(o.different), f"{o.largest:g}")
        for o in found.outputs
    ]
    columns = ["output", "array", ">different elements", ">largest difference"]
    print_table(f"{found.place} against this machine", columns, rows)
    if found.same_bits:
        print("every bit is the same")
    elif found.agrees:
        print("reals differ in their last bits, as they may between instruction sets")
    else:
        print("the target computes something else: build both from the same sources")


def _place(options: argparse.Namespace, device: Device) -> Place:
    if options.ssh:
        config = Path(options.ssh_config) if options.ssh_config else None
        return Remote(Board(options.ssh, config))
    if device.board:
        return Remote(device.board)
    return Emulated(device) if device.emulation else Here()


def _bench(options: argparse.Namespace) -> int:
    device = load_device(options.target)
    place = _place(options, device)
    if not isinstance(place, Emulated):
        program = build_program(device.machine or this_machine(), options.compiler)
        times = time_on(place, program, Path(options.model))
        print_json(times) if options.json else print_times(place.describe(), times)
        return 0
    found = _estimates(options, device)
    if options.json:
        print_json(found)
    else:
        print_costs(f"{options.model} on {device.name}", found, options.hot, options.code)
    return 0


def _estimates(options: argparse.Namespace, device: Device) -> list[Estimate]:
    """Ours must be there; a peer that is not is left out, and said."""
    found: list[Estimate] = []
    for runtime in names(options.runtimes):
        try:
            found.append(estimate(device, Path(options.model), runtime, options.compiler))
        except RuntimeMissingError as error:
            if runtime == "native":
                raise
            if not options.json:
                print(f"{runtime} is left out: {error}")
    return found


VERB = Verb("devices: list, build for, run on, measure", add_arguments, run)
