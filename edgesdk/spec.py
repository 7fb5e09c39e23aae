"""What a module takes as input, declared on the class or given to `capture`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from edgesdk_runtimes.errors import InputError

ATTRIBUTE = "__edgesdk_inputs__"
Shape = tuple[int | None, ...]
Declared = TypeVar("Declared", bound=type)


@dataclass(frozen=True)
class InputSpec:
    """One input of a model.

    Attributes:
        shape: sizes in the module's own layout; None in dimension 0 leaves the batch open.
        dtype: numpy dtype name, e.g. "float32" or "int64".
    """

    shape: Shape
    dtype: str = "float32"


def model(inputs: Mapping[str, Any]) -> Callable[[Declared], Declared]:
    """Declare the inputs of an `nn.Module` class, which stays an ordinary class.

    Args:
        inputs: a name for each argument of `forward`, in order -> shape tuple, InputSpec or
            example array.

    Raises:
        InputError: an entry is none of these.
    """
    specs = input_specs(inputs)

    def declare(cls: Declared) -> Declared:
        setattr(cls, ATTRIBUTE, specs)
        return cls

    return declare


def input_specs(inputs: Mapping[str, Any]) -> dict[str, InputSpec]:
    """Bring every accepted form to InputSpec, in the given order."""
    if not isinstance(inputs, Mapping) or not inputs:
        raise InputError(
            f"inputs is {inputs!r}; give a non-empty mapping from argument name to shape, "
            'e.g. inputs={"image": (None, 3, 224, 224)}'
        )
    return {name: _input_spec(name, given) for name, given in inputs.items()}


def _input_spec(name: str, given: Any) -> InputSpec:
    if isinstance(given, InputSpec):
        spec = given
    elif isinstance(given, (tuple, list)):
        spec = InputSpec(tuple(given))
    elif hasattr(given, "shape") and hasattr(given, "dtype"):
        spec = InputSpec((None, *map(int, given.shape[1:])), str(given.dtype).rsplit(".", 1)[-1])
    else:
        raise _wrong(name, given)
    sizes = spec.shape[1:] if spec.shape and spec.shape[0] is None else spec.shape
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise _wrong(name, given)
    try:
        np.dtype(spec.dtype)
    except TypeError as error:
        raise _wrong(name, given) from error
    return spec


def _wrong(name: str, given: Any) -> InputError:
    return InputError(
        f"input {name!r} is declared as {given!r}; give positive sizes (only the first may be "
        "None, an open batch), an InputSpec, or an example array, "
        'e.g. {"image": (None, 3, 224, 224), "tokens": edgesdk.InputSpec((1, 128), "int32")}'
    )
