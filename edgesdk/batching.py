"""Batches that differ from the file's fixed batch: cut into runs and put together again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgesdk_runtimes.base import Array, Session, TensorSpec
from edgesdk_runtimes.errors import InputError
from edgesdk_runtimes.fit import check_arrays, check_dtype, describe


def run_batched(session: Session, arrays: Sequence[Array]) -> list[Array]:
    """Run arrays of any batch size.

    Where all inputs fit but for dimension 0, and that is one common number of samples, the session
    is run for one file batch at a time; the last one is filled up with its last sample.

    Raises:
        InputError: an array does not fit its input, or an output has no batch to put together.
    """
    file_batch, samples = _batches(session.inputs, arrays)
    if file_batch == samples:
        check_arrays(session.inputs, arrays)
        return session.run(arrays)
    for spec, array in zip(session.inputs, arrays, strict=True):
        check_dtype(spec, array)
    _check_outputs(session.outputs, file_batch, samples)
    parts = [
        session.run([_slice(array, start, file_batch) for array in arrays])
        for start in range(0, samples, file_batch)
    ]
    return [np.concatenate(pieces)[:samples] for pieces in zip(*parts, strict=True)]


def _batches(specs: Sequence[TensorSpec], arrays: Sequence[Array]) -> tuple[int, int]:
    """The file's fixed batch and the number of samples given; equal where nothing is to be cut."""
    same = (0, 0)
    if not specs or len(specs) != len(arrays):
        return same
    file_batches = {spec.shape[0] if spec.shape else None for spec in specs}
    samples = {array.shape[0] if array.shape else 0 for array in arrays}
    file_batch = next(iter(file_batches))
    if len(file_batches) != 1 or len(samples) != 1 or not file_batch:
        return same
    if not all(_sample_fits(s, a) for s, a in zip(specs, arrays, strict=True)):
        return same
    count = next(iter(samples))
    return (file_batch, count) if count else same


def _sample_fits(spec: TensorSpec, array: Array) -> bool:
    return len(spec.shape) == array.ndim and all(
        want is None or want == have
        for want, have in zip(spec.shape[1:], array.shape[1:], strict=True)
    )


def _slice(array: Array, start: int, size: int) -> Array:
    part = array[start : start + size]
    missing = size - len(part)
    if missing:
        part = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)])
    return np.ascontiguousarray(part)


def _check_outputs(specs: Sequence[TensorSpec], file_batch: int, samples: int) -> None:
    for spec in specs:
        if not spec.shape or spec.shape[0] not in (None, file_batch):
            raise InputError(
                f"{samples} samples were given to a model of batch {file_batch}, and its output "
                f"{describe(spec)} does not begin with that batch. Give {file_batch} samples."
            )
