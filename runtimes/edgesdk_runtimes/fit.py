"""Whether arrays fit the inputs of a model: one check, one wording, for every adapter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgesdk_runtimes.base import Array, TensorSpec
from edgesdk_runtimes.errors import InputError


def describe(spec: TensorSpec) -> str:
    """An input in words, e.g. `'x' float32 [?, 3, 224, 224]`."""
    sizes = ", ".join("?" if size is None else str(size) for size in spec.shape)
    return f"'{spec.name}' {spec.dtype} [{sizes}]"


def shape_fits(shape: Sequence[int], spec: TensorSpec) -> bool:
    """Whether a shape is the declared one; None in the declaration takes any size."""
    return len(shape) == len(spec.shape) and all(
        want is None or have == want for have, want in zip(shape, spec.shape, strict=True)
    )


def check_arrays(specs: Sequence[TensorSpec], arrays: Sequence[Array]) -> None:
    """Compare arrays with the inputs of a model.

    Raises:
        InputError: a wrong number of arrays, or one of a wrong dtype or shape.
    """
    if len(arrays) != len(specs):
        wanted = "; ".join(describe(spec) for spec in specs)
        raise InputError(
            f"{len(arrays)} arrays were given, the model takes {len(specs)}: {wanted}. "
            "Give one array for each, in this order."
        )
    for spec, array in zip(specs, arrays, strict=True):
        check_dtype(spec, array)
        if not shape_fits(array.shape, spec):
            raise InputError(
                f"Input {describe(spec)} was given an array of shape {list(array.shape)}. "
                "Give the declared shape; the order of dimensions is that of the model file."
            )


def check_dtype(spec: TensorSpec, array: Array) -> None:
    """Compare the dtype of one array with its input.

    Raises:
        InputError: it differs.
    """
    if array.dtype != spec.dtype:
        raise InputError(
            f"Input {describe(spec)} was given an array of {array.dtype}. "
            f"Convert it: array.astype(np.{np.dtype(spec.dtype).name})."
        )
