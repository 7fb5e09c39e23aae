"""Single operators on native and on LiteRT: where is native slower?

Each row of the table is one operator on a shape of a vision, an audio or a language model, in
float and in int8; a model of that operator alone runs in both, in turn. Times are of the
processor, of the operator without copies to and from Python, and the least of many.

Run: python -m benchmarks.operators [WORD ...] [--rounds N] [--view native|avx2] [--all] [--json]
A WORD picks operators by name. Without --all only those are shown where native is slower.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.operator_cases import cases
from benchmarks.operator_models import Case, model_of
from benchmarks.view import VIEWS, enter
from edgesdk.cli.output import print_json, print_table
from edgesdk.random_inputs import random_inputs
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.errors import EdgeError
from edgesdk_runtimes.litert import LiteRtRuntime
from edgesdk_runtimes.native import NativeRuntime

TURN_SECONDS = 0.002


@dataclass(frozen=True)
class Row:
    """One operator.

    Attributes:
        operator: its name, type and shape.
        native_us: least time of a run, microseconds.
        litert_us: likewise, None where LiteRT refuses it.
    """

    operator: str
    native_us: float
    litert_us: float | None

    @property
    def ratio(self) -> float | None:
        """LiteRT's time / ours."""
        return self.litert_us / self.native_us if self.litert_us else None


def _native(model: bytes) -> Callable[[], object]:
    session = NativeRuntime().open(model)
    session.run(random_inputs(session.inputs))
    run, handle = session._library.edgert_session_run, session._session
    return lambda: run(handle) or session


def _litert(model: bytes) -> Callable[[], object] | None:
    try:
        session = LiteRtRuntime().open(model)
        session.run(random_inputs(session.inputs))
    except EdgeError:
        return None
    invoke: Callable[[], object] = session._interpreter.invoke
    return invoke


def _turn(call: Callable[[], object], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times


def measure(case: Case, rounds: int) -> Row:
    """Time both in turn."""
    model = write_model(model_of(case))
    calls = [call for call in (_native(model), _litert(model)) if call]
    times = [max(1, int(TURN_SECONDS / max(_turn(call, 1), 1e-6))) for call in calls]
    least = [float("inf")] * len(calls)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            least[i] = min(least[i], 1e6 * _turn(call, times[i]))
    return Row(case.name, least[0], least[1] if len(least) > 1 else None)


def _chosen(words: list[str]) -> Iterator[Case]:
    for case in cases():
        if not words or any(word.lower() in case.name.lower() for word in words):
            yield case


def _cells(row: Row) -> tuple[str, ...]:
    ratio = row.ratio
    return (
        row.operator,
        f"{row.native_us:.1f}",
        f"{row.litert_us:.1f}" if row.litert_us else "refused",
        f"{ratio:.2f}" if ratio else "-",
    )


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of operator names (default all)")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each (default 10)")
    parser.add_argument("--view", choices=VIEWS, default="native", help="which processor is seen")
    parser.add_argument("--all", action="store_true", help="show what native is faster at, too")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    enter(options.view)
    rows = []
    for case in _chosen(options.words):
        try:
            rows.append(measure(case, options.rounds))
        except EdgeError as error:
            print(f"{case.name}: {error}")
    rows.sort(key=lambda row: row.ratio or np.inf)
    if options.json:
        print_json([asdict(row) for row in rows])
        return
    shown = [row for row in rows if options.all or (row.ratio is not None and row.ratio < 1)]
    title = f"{len(rows)} operators, {len(shown)} shown; view {options.view}"
    print_table(
        title, ["operator", ">native us", ">LiteRT us", ">x LiteRT"], [_cells(row) for row in shown]
    )


if __name__ == "__main__":
    main()
