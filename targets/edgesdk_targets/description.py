"""Target descriptions: .toml files that become `edgesdk_quant.capability.Target`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgesdk_quant.capability import Capability, Role, Target
from edgesdk_runtimes.errors import RecipeError
from edgesdk_targets.tables import names, read, refuse_unknown, text, texts

KEYS = {"name", "description", "isa", "extends", "operators", "hardware", "build", "emulate", "ssh"}
OPERATOR_KEYS = {
    "names",
    "role",
    "activations",
    "weights",
    "weight_only",
    "fuses",
    "range",
}
WIDTHS = {4, 7, 8, 16}

__all__ = ["load", "names"]


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
    table = read(source)
    refuse_unknown(table, KEYS, source)
    inherited: Mapping[str, Capability] = {}
    if "extends" in table:
        inherited = _load(text(table, "extends", source), (*extended_by, source)).capabilities
    return Target(
        name=text(table, "name", source),
        description=text(table, "description", source),
        isa=text(table, "isa", source),
        capabilities={**inherited, **_capabilities(table.get("operators", []), source)},
    )


def _capabilities(rows: Any, source: str) -> dict[str, Capability]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RecipeError(f"{source}: operators must be a list of tables; write [[operators]].")
    found: dict[str, Capability] = {}
    for row in rows:
        refuse_unknown(row, OPERATOR_KEYS, f"{source}: [[operators]]")
        found.update(dict.fromkeys(texts(row, "names", source), _capability(row, source)))
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
        fuses=frozenset(texts(row, "fuses", source)),
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
