"""One border for all candidates: real numbers in the float model's layout."""

from __future__ import annotations

from collections.abc import Mapping

from edgesdk.layout import Permutation, SourceLayoutSession
from edgesdk.real_border import RealBorderSession
from edgesdk_runtimes.base import Session, TensorSpec
from edgesdk_runtimes.errors import ModelError
from edgesdk_runtimes.fit import describe

CHANNELS_LAST: Mapping[int, Permutation] = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


def like_reference(
    session: Session, reference: Session, layout: Mapping[str, Permutation]
) -> Session:
    """Show a session with the border of the float model.

    Args:
        session: of the artifact, as its file is.
        reference: of the float model.
        layout: permutations that the artifact's metadata gives; others are found by the shapes.

    Raises:
        ModelError: the artifact has other inputs or outputs than the float model.
    """
    real = RealBorderSession(session)
    found = dict(layout)
    for ours, theirs in (*_pairs(real, reference, "inputs"), *_pairs(real, reference, "outputs")):
        found.setdefault(ours.name, _permutation(ours, theirs))
    return SourceLayoutSession(real, found)


def _pairs(session: Session, reference: Session, side: str) -> list[tuple[TensorSpec, TensorSpec]]:
    ours: tuple[TensorSpec, ...] = getattr(session, side)
    theirs: tuple[TensorSpec, ...] = getattr(reference, side)
    if len(ours) != len(theirs):
        raise ModelError(
            f"The artifact has {len(ours)} {side}, the float model {len(theirs)}. "
            "Give the float model that the artifact was made from."
        )
    return list(zip(ours, theirs, strict=True))


def _permutation(ours: TensorSpec, theirs: TensorSpec) -> Permutation:
    rank = len(ours.shape)
    for permutation in (tuple(range(rank)), CHANNELS_LAST.get(rank, ())):
        if rank == len(theirs.shape) == len(permutation) and all(
            _sizes_fit(have, theirs.shape[d])
            for have, d in zip(ours.shape, permutation, strict=True)
        ):
            return permutation
    raise ModelError(
        f"The artifact's {describe(ours)} is not the float model's {describe(theirs)} in any order "
        "of dimensions. Give the float model that the artifact was made from."
    )


def _sizes_fit(one: int | None, other: int | None) -> bool:
    return one is None or other is None or one == other
