"""Target descriptions: .toml files that become `edgesdk_quant.capability.Target`."""

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

KEYS = {"name", "description", "isa", "extends", "operators"}
OPERATOR_KEYS = {
    "names",
    "role",
    "activations",
    "weights",
    "weight_only",
    "fuses",
    "range",
}
WIDTHS = {4, 8, 16}


def names() -> list[str]:
    """Targets that ship with EdgeSDK."""
    folder = resources.files("edgesdk_targets")
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if ".toml" in p.name)


def load(name_or_path: str | Path) -> Target:
    """Read a target by name ("raspberrypi4") or from a .toml file.

    A description that `extends` another one starts with that one's operators and replaces those
    that it lists itself.

    Raises:
        RecipeError: there is no such target, or its description says what is not allowed.
    """
    return _load(name_or_path, ())


def _load(name_or_path: str | Path, extended_by: tuple[str, ...]) -> Target:
    source = str(name_or_path)
    if source in extended_by:
        chain = " -> ".join((*extended_by, source))
        raise RecipeError(f"Targets extend each other in a circle: {chain}; remove one `extends`.")
    table = _read(source)
    _refuse_unknown(table, KEYS, source)
    inherited: Mapping[str, Capability] = {}
    if "extends" in table:
        inherited = _load(_text(table, "extends", source), (*extended_by, source)).capabilities
    return Target(
        name=_text(table, "name", source),
        description=_text(table, "description", source),
        isa=_text(table, "isa", source),
        capabilities={**inherited, **_capabilities(table.get("operators", []), source)},
    )


def _read(source: str) -> dict[str, Any]:
    shipped = source in names()
    file = resources.files("edgesdk_targets") / f"{source}.toml" if shipped else Path(source)
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"There is no target {source!r}: allowed are {', '.join(names())} "
            "or the path of a .toml file that can be read."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source} is not TOML ({error}); correct that line.") from error


def _capabilities(rows: Any, source: str) -> dict[str, Capability]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RecipeError(f"{source}: operators must be a list of tables; write [[operators]].")
    found: dict[str, Capability] = {}
    for row in rows:
        _refuse_unknown(row, OPERATOR_KEYS, f"{source}: [[operators]]")
        found.update(dict.fromkeys(_texts(row, "names", source), _capability(row, source)))
    return found


def _capability(row: Mapping[str, Any], source: str) -> Capability:
    role = _role(row, source)
    bounds = row.get("range")
    if (role is Role.FIXED) != _is_range(bounds):
        raise RecipeError(
            f"{source}: range is {bounds!r} for role {role.value!r}; "
            "give [low, high] for fixed operators, and for no others."
        )
    return Capability(
        role=role,
        activations=_widths(row, "activations", source),
        weights=_widths(row, "weights", source),
        weight_only=_widths(row, "weight_only", source),
        fuses=frozenset(_texts(row, "fuses", source)),
        range=None if bounds is None else (float(bounds[0]), float(bounds[1])),
    )


def _role(row: Mapping[str, Any], source: str) -> Role:
    try:
        return Role(row.get("role"))
    except ValueError:
        allowed = ", ".join(role.value for role in Role)
        raise RecipeError(
            f"{source}: role is {row.get('role')!r}; choose from {allowed}."
        ) from None


def _is_range(bounds: Any) -> bool:
    numbers = isinstance(bounds, list) and all(isinstance(b, int | float) for b in bounds)
    return numbers and len(bounds) == 2 and bounds[0] < bounds[1]


def _widths(row: Mapping[str, Any], key: str, source: str) -> frozenset[int]:
    widths = row.get(key, [])
    if not isinstance(widths, list) or not set(widths) <= WIDTHS:
        raise RecipeError(f"{source}: {key} is {widths!r}; list widths of {sorted(WIDTHS)}.")
    return frozenset(widths)


def _texts(row: Mapping[str, Any], key: str, source: str) -> list[str]:
    texts = row.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RecipeError(f"{source}: {key} is {texts!r}; give a list of operator names.")
    return texts


def _text(table: Mapping[str, Any], key: str, source: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise RecipeError(f"{source}: {key} is {value!r}; give a text.")
    return value


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise RecipeError(
            f"{where} has no key {', '.join(unknown)}; allowed are {', '.join(sorted(known))}."
        )
