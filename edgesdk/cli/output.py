"""Tables for people and JSON for machines; without rich a table is plain text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from edgesdk.plain import to_plain

FILE_WIDTH = 240


def print_json(value: Any) -> None:
    """Print a result as JSON; a number that JSON lacks becomes its name, "inf" or "nan"."""
    print(json.dumps(to_plain(value), indent=2))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; columns whose name begins with ">" are set to the right."""
    if not rows:
        return
    try:
        _print_rich(title, columns, rows)
    except ImportError:
        _print_plain(title, columns, rows)


def _print_rich(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD)
    for name in columns:
        table.add_column(
            escape(name.lstrip(">")),
            justify="right" if name.startswith(">") else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console = Console()
    if not console.is_terminal:  # a file or pipe has no width of its own
        console = Console(width=FILE_WIDTH)
    console.print(table)


def _print_plain(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    header = [name.lstrip(">") for name in columns]
    widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header))]
    print(title)
    for line in (header, *rows):
        cells = [
            cell.rjust(width) if name.startswith(">") else cell.ljust(width)
            for cell, width, name in zip(line, widths, columns, strict=True)
        ]
        print("  " + "  ".join(cells).rstrip())
    print()


def in_bytes(size: int) -> str:
    """A size in words, decimal units."""
    for unit, step in (("MB", 1e6), ("kB", 1e3)):
        if size >= step:
            return f"{size / step:.2f} {unit}"
    return f"{size} B"
