"""Tables of what a model costs on a device."""

from __future__ import annotations

from collections.abc import Sequence

from edgesdk.cli.output import print_table
from edgesdk_targets.estimate import Estimate
from edgesdk_targets.estimate.pipeline import disassemble, words_of
from edgesdk_targets.timing import Times

COSTS = (">Minstr", ">Mcycles", ">share", ">IPC")


def print_times(place: str, times: Times) -> None:
    """Times of whole runs at a place."""
    row = [f"{v:.3f}" for v in (times.min_ms, times.p50_ms, times.p90_ms, times.p99_ms)]
    columns = [">min ms", ">p50 ms", ">p90 ms", ">p99 ms", ">runs", ">threads"]
    print_table(place, columns, [(*row, str(times.runs), str(times.threads))])


def print_costs(title: str, found: Sequence[Estimate], hot: int, with_code: bool) -> None:
    """Instructions and cycles of each runtime; ratios are to the last one."""
    if not found:
        return
    columns = ["runtime", ">Minstr (exact)", ">ratio", ">Mcycles (model)", ">ratio", ">ms (model)"]
    rows = [_row(each, found[-1]) for each in found]
    print_table(f"{title}, one core, one inference", columns, rows)
    for each in found if hot > 0 else ():
        _print_functions(each, hot)
        _print_blocks(each, hot)
        if with_code:
            _print_code(each, hot)


def _row(each: Estimate, reference: Estimate) -> tuple[str, ...]:
    return (
        each.version or each.runtime,
        f"{each.instructions / 1e6:.3f}",
        f"{each.instructions / reference.instructions:.3f}",
        _in(each.cycles, 1e6),
        "-" if not each.cycles or not reference.cycles else f"{each.cycles / reference.cycles:.3f}",
        _in(each.milliseconds, 1),
    )


def _in(value: float | None, unit: float) -> str:
    return "-" if value is None else f"{value / unit:.3f}"


def _print_functions(each: Estimate, count: int) -> None:
    rows = [(s.symbol, *_cost(each, s.instructions, s.cycles)) for s in each.symbols[:count]]
    print_table(f"{each.runtime}: functions", ["function", *COSTS], rows)


def _print_blocks(each: Estimate, count: int) -> None:
    rows = [
        (
            f"{cost.block.address:x}",
            cost.block.symbol,
            str(cost.block.runs),
            str(cost.block.instructions),
            *_cost(each, cost.instructions, cost.cycles),
        )
        for cost in each.blocks[:count]
    ]
    columns = ["address", "function", ">runs", ">length", *COSTS]
    print_table(f"{each.runtime}: blocks", columns, rows)


def _cost(each: Estimate, instructions: float, cycles: float | None) -> tuple[str, ...]:
    share = instructions / each.instructions if not each.cycles else (cycles or 0) / each.cycles
    return (
        f"{instructions / 1e6:.3f}",
        _in(cycles, 1e6),
        f"{100 * share:.1f} %",
        "-" if not cycles else f"{instructions / cycles:.2f}",
    )


def _print_code(each: Estimate, count: int) -> None:
    hot = [cost.block for cost in each.blocks[:count]]
    text = disassemble(hot)
    for block in hot:
        print(f"{block.address:x} <{block.symbol}>:")
        for word in words_of(block):
            print(f"    {text.get(word, word.hex())}")
