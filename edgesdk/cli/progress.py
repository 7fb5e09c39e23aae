"""A progress bar with rate, time left and memory; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgesdk.footprint import peak_memory_mb
from edgesdk_quant.progress import Progress, Silent

if TYPE_CHECKING:
    from rich import progress as rich_progress


class _Bar:
    """One line for each task; `advance` refreshes rate and memory."""

    def __init__(self, display: rich_progress.Progress) -> None:
        self._display = display
        self._task: rich_progress.TaskID | None = None
        self._unit = ""

    def start(self, task: str, total: int | None, unit: str) -> None:
        self._unit = unit
        self._task = self._display.add_task(task, total=total, rate="", memory="")

    def advance(self, units: int = 1) -> None:
        if self._task is None:
            return
        self._display.advance(self._task, units)
        speed = self._display.tasks[-1].speed
        self._display.update(
            self._task,
            rate=f"{speed:.1f} {self._unit}/s" if speed else "",
            memory=f"{peak_memory_mb():.0f} MB",
        )

    def finish(self) -> None:
        if self._task is not None:
            self._display.stop_task(self._task)


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Progress]:
    """Draw progress on stderr; what is drawn vanishes at the end."""
    if quiet or not sys.stderr.isatty():
        yield Silent()
        return
    try:
        from rich import progress as rich_progress
        from rich.console import Console
    except ImportError:
        yield Silent()
        return
    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TextColumn("{task.fields[rate]}"),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[memory]}"),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        yield _Bar(display)
