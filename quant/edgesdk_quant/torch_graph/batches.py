"""Samples joined along dimension 0, where a graph takes them so.

A graph whose states or caches lead with another dimension (the two states of an LSTM in one tensor,
a cache of layers) does not: its samples are computed one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from edgesdk_quant.torch_graph.graph import TorchGraph
from edgesdk_runtimes.base import Array

Samples = Mapping[str, Sequence[Array]]

ALIKE = 1e-3  # of the largest value; another order of sums differs by less


def joined(samples: Samples, chosen: Sequence[int]) -> dict[str, Tensor]:
    """Some samples of every input as one batch."""
    return {
        name: torch.from_numpy(np.concatenate([arrays[i] for i in chosen]))
        for name, arrays in samples.items()
    }


def takes_batches(graph: TorchGraph, samples: Samples, outputs: Sequence[str]) -> bool:
    """Whether two samples, joined, have the results of each.

    Args:
        graph: for a batch of any size, or made for one sample.
        samples: input name -> arrays, one a sample.
        outputs: names of the values that are compared.
    """
    if min((len(arrays) for arrays in samples.values()), default=0) < 2:
        return False
    with torch.no_grad():
        each = [graph.run(joined(samples, [i])) for i in (0, 1)]
        try:
            both = graph.run(joined(samples, [0, 1]))
        except RuntimeError:  # torch's word for sizes that do not fit
            return False
    return all(_alike(both[n], torch.cat([values[n] for values in each])) for n in outputs)


def groups(chosen: Sequence[int], together: bool) -> list[list[int]]:
    """What is computed at once of a batch."""
    return [list(chosen)] if together else [[index] for index in chosen]


def _alike(found: Tensor, wanted: Tensor) -> bool:
    if found.shape != wanted.shape:
        return False
    if not wanted.is_floating_point():
        return bool(torch.equal(found, wanted))
    worst = float(wanted.abs().max()) if wanted.numel() else 0.0
    return bool(torch.allclose(found, wanted, rtol=ALIKE, atol=ALIKE * worst))
