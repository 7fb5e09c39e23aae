"""Target descriptions as TOML tables, and typed access to their entries."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from edgesdk_runtimes.errors import RecipeError, RuntimeMissingError

Table = Mapping[str, Any]


def names() -> list[str]:
    """Targets that ship with EdgeSDK."""
    folder = resources.files("edgesdk_targets")
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if ".toml" in p.name)


def read(source: str) -> dict[str, Any]:
    """The table of a target by name, or of a .toml file by path.

    Raises:
        RecipeError: there is no such target, or the file is not TOML.
        RuntimeMissingError: this Python has no TOML reader.
    """
    toml = _toml()
    shipped = source in names()
    file = resources.files("edgesdk_targets") / f"{source}.toml" if shipped else Path(source)
    try:
        table: dict[str, Any] = toml.loads(file.read_text(encoding="utf-8"))
        return table
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"There is no target {source!r}: allowed are {', '.join(names())} "
            "or the path of a .toml file that can be read."
        ) from error
    except toml.TOMLDecodeError as error:
        raise RecipeError(f"{source} is not TOML ({error}); correct that line.") from error


def _toml() -> Any:
    """On first use: a device with an old Python may have no package tomli, and need none."""
    name = "tomllib" if sys.version_info >= (3, 11) else "tomli"
    try:
        return importlib.import_module(name)
    except ImportError:
        raise RuntimeMissingError(
            "Targets need tomli before Python 3.11: pip install tomli."
        ) from None


def text(table: Table, key: str, source: str) -> str:
    """A text that is not empty."""
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise RecipeError(f"{source}: {key} is {value!r}; give a text.")
    return value


def texts(table: Table, key: str, source: str) -> list[str]:
    """A list of texts; absent means none."""
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RecipeError(f"{source}: {key} is {value!r}; give a list of texts.")
    return value


def whole(table: Table, key: str, source: str) -> int:
    """A whole number above zero."""
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RecipeError(f"{source}: {key} is {value!r}; give a whole number above 0.")
    return value


def subtable(table: Table, key: str, source: str) -> Table:
    """A table inside; absent means empty."""
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise RecipeError(f"{source}: {key} is {value!r}; write it as a table, [{key}].")
    return value


def refuse_unknown(table: Table, known: set[str], where: str) -> None:
    """Let no misspelt key pass."""
    unknown = sorted(set(table) - known)
    if unknown:
        raise RecipeError(
            f"{where} has no key {', '.join(unknown)}; allowed are {', '.join(sorted(known))}."
        )
