"""Read device descriptions: those that ship with EdgeSDK, or a user's own TOML file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from edgesdk_quant.capability import Capability, Role, Target
from edgesdk_runtimes.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS = {"description", "isa", "like", "ops"}
OP_KEYS = {"role", "activations", "weights", "weight_only", "fuses", "range"}


def names() -> list[str]:
    """Targets that ship with EdgeSDK."""
    folder = resources.files("edgesdk_targets.devices")
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if ".toml" in p.name)


def load(name_or_path: str | Path) -> Target:
    """Read a target by its name ("raspberrypi4") or from a .toml file.

    A description says `like = "generic"` to start from another target's operators.

    Raises:
        RecipeError: there is no such target, or the description is wrong.
    """
    table = _read(name_or_path)
    source = str(name_or_path)
    _refuse_unknown(table, KEYS, source)
    inherited = dict(load(table["like"]).capabilities) if "like" in table else {}
    own = {
        op: _capability(row, f"{source}: [ops.{op}]") for op, row in table.get("ops", {}).items()
    }
    return Target(
        name=Path(source).stem,
        description=str(table.get("description", "")),
        isa=str(table.get("isa", "generic")),
        capabilities={**inherited, **own},
    )


def _read(name_or_path: str | Path) -> dict[str, Any]:
    shipped = str(name_or_path) in names()
    folder = resources.files("edgesdk_targets.devices")
    path = folder / f"{name_or_path}.toml" if shipped else Path(name_or_path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name_or_path} is not TOML ({error}); correct that line.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"There is no target {str(name_or_path)!r}: allowed are {', '.join(names())} "
            "or the path of a .toml file that can be read."
        ) from error


def _capability(row: Mapping[str, Any], where: str) -> Capability:
    _refuse_unknown(row, OP_KEYS, where)
    try:
        bounds = row.get("range")
        return Capability(
            role=Role(row.get("role")),
            activations=frozenset(row.get("activations", ())),
            weights=frozenset(row.get("weights", ())),
            weight_only=frozenset(row.get("weight_only", ())),
            fuses=frozenset(row.get("fuses", ())),
            range=(float(bounds[0]), float(bounds[1])) if bounds else None,
        )
    except (ValueError, TypeError, IndexError) as error:
        roles = ", ".join(role.value for role in Role)
        raise RecipeError(f"{where} is wrong ({error}); role is one of {roles}.") from error


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise RecipeError(
            f"{where} has no key {', '.join(unknown)}; allowed are {', '.join(sorted(known))}."
        )
