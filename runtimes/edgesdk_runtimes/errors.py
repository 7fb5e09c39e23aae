"""The exception tree of EdgeSDK; every error a user can cause is one of these.

    EdgeError
    |-- InputError            a path, an array, an option or a data set is not what it must be
    |-- ModelError            a model file or module is malformed or cannot be used
    |   `-- UnsupportedError  a valid model that needs something we lack; lists all of it
    |-- RecipeError           a recipe, an override or a target description is wrong
    |-- RuntimeMissingError   a runtime or optional package is not installed; says how to get it
    `-- OutputError           a result could not be written; what was there before is unharmed

Each message is one sentence or two: what was given, what is allowed, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class EdgeError(Exception):
    """Root of all errors that EdgeSDK raises on purpose."""


class InputError(EdgeError):
    """A path, an array, an option or a data set is not what it must be."""


class ModelError(EdgeError):
    """A model file or module is malformed or cannot be used."""


class UnsupportedError(ModelError):
    """A valid model needs something we lack.

    Attributes:
        needs: all of it, where it is a list; the message may name the first few alone.
    """

    def __init__(self, message: str, needs: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.needs = tuple(needs)


class RecipeError(EdgeError):
    """A recipe, an override or a target description is wrong."""


class RuntimeMissingError(EdgeError):
    """A runtime or optional package is not installed; the message says how to get it."""


class OutputError(EdgeError):
    """A result could not be written; what was there before is unharmed."""
