"""HTML from Python: elements whose text is escaped, because the names in a model are untrusted."""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: str | int | float, **attributes: str | int | float | None) -> Markup:
    """An element.

    Args:
        name: of the element.
        children: Markup is taken as it is, everything else is escaped.
        attributes: `class_` for class, `_` for `-`; None leaves an attribute out.
    """
    written = "".join(
        f' {key.strip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str | int | float) -> Markup:
    """Children one after the other; what is no Markup is escaped."""
    return Markup(
        "".join(child if isinstance(child, Markup) else escape(str(child)) for child in children)
    )
