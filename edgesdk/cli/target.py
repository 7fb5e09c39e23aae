"""`edgesdk target`: what devices there are, and what a model costs on one."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgesdk.cli.options import add_json, names
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.verb import Verb
from edgesdk_runtimes.errors import RuntimeMissingError
from edgesdk_targets import names as target_names
from edgesdk_targets.device import Device, load_device
from edgesdk_targets.estimate import RUNTIMES, Estimate, estimate
from edgesdk_targets.estimate.pipeline import disassemble, words_of
from edgesdk_targets.sysroot import prepare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the devices that are known")
    add_json(listing)
    listing.set_defaults(action=_list)
    preparing = actions.add_parser("prepare", help="fetch Python and LiteRT for its machine, once")
    preparing.add_argument("target", metavar="NAME")
    preparing.set_defaults(action=_prepare)
    bench = actions.add_parser("bench", help="instructions (exact) and cycles (model) of a run")
    bench.add_argument("target", metavar="NAME")
    bench.add_argument("model", help=".tflite file")
    bench.add_argument("--runtimes", default=",".join(RUNTIMES), help="default %(default)s")
    bench.add_argument("--hot", type=int, default=0, metavar="N", help="show the N hottest blocks")
    bench.add_argument("--code", action="store_true", help="with --hot: their instructions")
    add_json(bench)
    bench.set_defaults(action=_bench)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    return int(options.action(options))


def _list(options: argparse.Namespace) -> int:
    devices = [load_device(name) for name in target_names()]
    if options.json:
        print_json(devices)
        return 0
    rows = [(d.name, d.isa, _emulated(d), d.description) for d in devices]
    print_table("targets", ["name", "ISA", "qemu", "description"], rows)
    return 0


def _emulated(device: Device) -> str:
    return device.emulation.cpu if device.emulation else "-"


def _prepare(options: argparse.Namespace) -> int:
    print(prepare(load_device(options.target)))
    return 0


def _bench(options: argparse.Namespace) -> int:
    device = load_device(options.target)
    found: list[Estimate] = []
    for runtime in names(options.runtimes):
        try:
            found.append(estimate(device, Path(options.model), runtime))
        except RuntimeMissingError as error:
            if runtime == "native":
                raise
            print(f"{runtime} is left out: {error}")
    if options.json:
        print_json(found)
        return 0
    _print_estimates(device, options.model, found)
    for each in found:
        _print_hot(each, options.hot, with_code=options.code)
    return 0


def _print_estimates(device: Device, model: str, found: list[Estimate]) -> None:
    reference = found[-1]
    rows = [
        (
            each.runtime,
            f"{each.instructions / 1e6:.3f}",
            f"{each.instructions / reference.instructions:.3f}",
            _in(each.cycles, 1e6),
            _ratio(each.cycles, reference.cycles),
            _in(each.milliseconds, 1),
        )
        for each in found
    ]
    columns = ["runtime", ">Minstr (exact)", ">ratio", ">Mcycles (model)", ">ratio", ">ms (model)"]
    print_table(f"{model} on {device.name}, one core, one inference", columns, rows)


def _in(value: float | None, unit: float) -> str:
    return "-" if value is None else f"{value / unit:.3f}"


def _ratio(value: float | None, reference: float | None) -> str:
    return "-" if value is None or not reference else f"{value / reference:.3f}"


def _print_hot(each: Estimate, count: int, *, with_code: bool) -> None:
    if count < 1:
        return
    total = each.cycles or each.instructions
    rows = [(s.symbol, *_cost_cells(s.instructions, s.cycles, total)) for s in each.symbols[:count]]
    costs = [">Minstr", ">Mcycles", ">share", ">IPC"]
    print_table(f"{each.runtime}: functions", ["function", *costs], rows)
    rows = [
        (
            f"{cost.block.address:x}",
            cost.block.symbol,
            str(cost.block.runs),
            str(cost.block.instructions),
            *_cost_cells(cost.instructions, cost.cycles, total),
        )
        for cost in each.blocks[:count]
    ]
    columns = ["address", "function", ">runs", ">length", *costs]
    print_table(f"{each.runtime}: blocks", columns, rows)
    if with_code:
        _print_code(each, count)


def _cost_cells(instructions: float, cycles: float | None, total: float) -> tuple[str, ...]:
    return (
        f"{instructions / 1e6:.3f}",
        _in(cycles, 1e6),
        f"{100 * (instructions if cycles is None else cycles) / total:.1f} %",
        "-" if not cycles else f"{instructions / cycles:.2f}",
    )


def _print_code(each: Estimate, count: int) -> None:
    hot = [cost.block for cost in each.blocks[:count]]
    text = disassemble(hot)
    for block in hot:
        print(f"{block.address:x} <{block.symbol}>:")
        for word in words_of(block):
            print(f"    {text.get(word, word.hex())}")


VERB = Verb("devices: list them, measure a model on one", add_arguments, run)
