"""How long work tells what it does; the command line draws bars, the library is silent."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of one task after another."""

    def start(self, task: str, total: int | None, unit: str) -> None:
        """A task begins.

        Args:
            task: what is done, e.g. "calibrating".
            total: how many units it takes, None when unknown.
            unit: what is counted, e.g. "samples".
        """

    def advance(self, units: int = 1) -> None:
        """Some units are done."""

    def finish(self) -> None:
        """The task is over."""


class Silent:
    """Progress that nobody sees."""

    def start(self, task: str, total: int | None, unit: str) -> None: ...

    def advance(self, units: int = 1) -> None: ...

    def finish(self) -> None: ...
