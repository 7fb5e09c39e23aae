"""The exception tree of EdgeSDK; every error a user can cause is one of these.

    EdgeError
    |-- InputError            a path, an array, an option or a data set is not what it must be
    |-- ModelError            a model file or module is malformed or cannot be used
    |   `-- UnsupportedError  a valid model that needs something we lack; names all of it at once
    |-- RecipeError           a recipe, an override or a target description is wrong
    |-- RuntimeMissingError   a runtime or optional package is not installed; says how to get it
    `-- OutputError           a result could not be written; what was there before is unharmed

Each message is one sentence or two: what was given, what is allowed, what to do.
"""

from __future__ import annotations


class EdgeError(Exception):
    """Root of all errors that EdgeSDK raises on purpose."""


class InputError(EdgeError):
    """A path, an array, an option or a data set is not what it must be."""


class ModelError(EdgeError):
    """A model file or module is malformed or cannot be used."""


class UnsupportedError(ModelError):
    """A valid model needs something we lack; the message names all of it at once."""


class RecipeError(EdgeError):
    """A recipe, an override or a target description is wrong."""


class RuntimeMissingError(EdgeError):
    """A runtime or optional package is not installed; the message says how to get it."""


class OutputError(EdgeError):
    """A result could not be written; what was there before is unharmed."""
