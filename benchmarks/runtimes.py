"""All runtimes on the same models, interleaved in one run; only ratios within it mean anything.

With one thread the times are those of the processor that the process used, which another program
on the same core does not spoil; with more they are wall-clock times.

Run: python -m benchmarks.runtimes [MODEL ...] [--threads 1,2] [--rounds N] [--view native|avx2]
A MODEL is a name of benchmarks/zoo.py or a .tflite file. `--view avx2` hides AVX-512, VNNI and AMX
from every runtime.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.peers import PEERS, Call, Refusal, open_peer
from benchmarks.view import VIEWS, enter
from benchmarks.zoo import ENTRIES, ENTRY_OF, Files, files_of
from edgesdk.cli.options import numbers
from edgesdk.cli.output import print_json, print_table

TURN_SECONDS = 0.02
MOST_CALLS = 50


@dataclass
class Candidate:
    """A runtime with an open model and the seconds of its calls by a clock."""

    peer: str
    call: Call
    clock: Callable[[], float]
    calls_a_turn: int = 1
    seconds: list[float] = field(default_factory=list)

    def warm_up(self) -> None:
        """Run twice, and choose how many calls make a turn."""
        self.call()
        start = time.perf_counter()
        self.call()
        once = max(time.perf_counter() - start, 1e-6)
        self.calls_a_turn = int(np.clip(TURN_SECONDS / once, 1, MOST_CALLS))

    def take_turn(self) -> None:
        """Time one turn of calls."""
        for _ in range(self.calls_a_turn):
            start = self.clock()
            self.call()
            self.seconds.append(self.clock() - start)


@dataclass(frozen=True)
class Row:
    """One model with one number of threads.

    Attributes:
        min_ms: runtime -> fastest call, milliseconds.
        p50_ms: runtime -> median call.
        refused: runtime -> why it was not timed.
    """

    model: str
    threads: int
    min_ms: dict[str, float]
    p50_ms: dict[str, float]
    refused: dict[str, str]

    def ratio(self, peer: str) -> float | None:
        """How many times faster native is, of the fastest calls."""
        if peer not in self.min_ms or "native" not in self.min_ms:
            return None
        return self.min_ms[peer] / self.min_ms["native"]


def time_model(name: str, files: Files, threads: int, rounds: int) -> Row:
    """Open the model in every runtime and let them take turns."""
    opened = {peer: open_peer(peer, files, threads) for peer in PEERS}
    refused = {peer: o.reason for peer, o in opened.items() if isinstance(o, Refusal)}
    clock = time.process_time if threads == 1 else time.perf_counter
    candidates = [Candidate(p, o, clock) for p, o in opened.items() if not isinstance(o, Refusal)]
    for candidate in candidates:
        candidate.warm_up()
    for _ in range(rounds):
        for candidate in candidates:
            candidate.take_turn()
    least = {c.peer: 1e3 * min(c.seconds) for c in candidates}
    median = {c.peer: 1e3 * float(np.median(c.seconds)) for c in candidates}
    return Row(name, threads, least, median, refused)


def _cells(row: Row) -> tuple[str, ...]:
    times = [
        f"{row.min_ms[p]:.3f} / {row.p50_ms[p]:.3f}" if p in row.min_ms else "-" for p in PEERS
    ]
    ratios = [row.ratio(peer) for peer in PEERS[1:]]
    known = [ratio for ratio in ratios if ratio is not None]
    least = f"{min(known):.2f}" if known else "-"
    return (
        row.model,
        str(row.threads),
        *times,
        *(f"{ratio:.2f}" if ratio else "-" for ratio in ratios),
        least,
    )


def _files(name: str) -> Files:
    return files_of(ENTRY_OF[name]) if name in ENTRY_OF else Files(Path(name), None)


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="names of the zoo, or .tflite files")
    parser.add_argument("--threads", default="1", help="e.g. 1,2 (default 1)")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each (default 20)")
    parser.add_argument("--view", choices=VIEWS, default="native", help="which processor is seen")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    names = options.models or [entry.name for entry in ENTRIES]
    chosen = [(name, _files(name)) for name in names]
    enter(options.view)
    rows = [
        time_model(name, files, threads, options.rounds)
        for threads in numbers(options.threads)
        for name, files in chosen
    ]
    if options.json:
        print_json([asdict(row) for row in rows])
        return
    print_table(
        f"min / p50 in ms, interleaved; ratios of min to native's; view {options.view}",
        ["model", ">threads", *(f">{p}" for p in PEERS), *(f">x {p}" for p in PEERS[1:]), ">least"],
        [_cells(row) for row in rows],
    )
    for reason in sorted({f"{p}: {r}" for row in rows for p, r in row.refused.items()}):
        print(reason)


if __name__ == "__main__":
    main()
