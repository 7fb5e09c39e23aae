"""Samples with names: what verification and evaluation feed to models, one at a time."""

from __future__ import annotations

from dataclasses import dataclass

from edgesdk_runtimes.base import Array


@dataclass(frozen=True)
class Sample:
    """One sample.

    Attributes:
        name: file name or number; labels are found by it.
        arrays: one for each input, in the float model's layout, dimension 0 the batch.
    """

    name: str
    arrays: tuple[Array, ...]
