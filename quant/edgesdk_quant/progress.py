"""How long work says how far it is: one function, so that nothing below the face draws anything."""

from __future__ import annotations

from collections.abc import Callable

# (what is done, how much of it, of how much; 0 where the end is not known)
Report = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Show nothing."""
