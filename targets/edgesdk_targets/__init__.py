"""Devices as data: `load` reads a description by name or from a .toml file."""

from edgesdk_targets.description import load, names

__all__ = ["load", "names"]
