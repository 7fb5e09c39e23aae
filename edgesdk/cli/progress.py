"""A progress bar with rate, time left and memory; silent where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgesdk.footprint import peak_memory_mb

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

# (what is done, how much of it, of how much; 0 where the end is not known)
Report = Callable[[str, int, int], None]


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Report]:
    """Give a function that shows how far a stage is; a new stage gets a new line."""
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield _silent
        return
    with Progress(*_columns(), console=Console(stderr=True), transient=True) as bar:
        stages: dict[str, object] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bar.add_task(stage, memory=0.0, rate="")
            task = bar.tasks[list(stages).index(stage)]
            speed = task.speed
            bar.update(
                task.id,
                completed=done,
                total=total or None,
                memory=peak_memory_mb(),
                rate=f"{speed:.1f}/s" if speed else "",
            )

        yield report


def _columns() -> tuple[ProgressColumn, ...]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    return (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[memory]:.0f} MB"),
    )


def _silent(stage: str, done: int, total: int) -> None:
    """Show nothing."""
