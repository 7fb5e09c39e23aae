"""Views of calibration samples: crops, mirror images and mixtures of them, or texts spliced.

What is learnt from few samples fits what only they show: after 200 steps with 64 photos,
EfficientNet-Lite0 with 4-bit weights reaches 24 dB on these photos and 10 dB on others. Views bring
both together. The float model says what to make of each view, so that no labels are needed.
Mixtures are those of Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", section 2:
x = l * x_i + (1 - l) * x_j.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from edgesdk_runtimes.base import Array

SMALLEST_CROP = 0.7  # side of a crop, as a share of the picture's
SMALLEST_SHARE = 0.5  # of the first sample in a mixture
PICTURE_CHANNELS = 3
SHORTEST = 2  # tokens, to cut between them


def with_views(samples: Mapping[str, Sequence[Array]], count: int) -> dict[str, list[Array]]:
    """The samples, followed by as many views of them as bring their number to `count`.

    A view mixes two samples half of the time. Pictures (float [N, 3, H, W]) are cropped to 0.7..1
    of their side, brought back to size by bilinear interpolation, and mirrored half of the time.
    Between two words there is nothing: samples with integer inputs (tokens [N, T], a mask beside
    them) are spliced, the beginning of one and the end of another.

    Args:
        samples: input name -> arrays, one a sample.
        count: how many samples there shall be; more than that are left as they are.

    Returns:
        The same names; the draws are the same for the same samples and count.
    """
    found = {name: list(arrays) for name, arrays in samples.items()}
    if any(a.dtype.kind != "f" for arrays in samples.values() for a in arrays):
        return _spliced(found, count)
    draws = np.random.default_rng(0)
    total = len(next(iter(found.values()), []))
    for start in range(total, count, max(total, 1)):
        partners = draws.permutation(total)
        for index in range(min(total, count - start)):
            share = draws.choice([1.0, draws.uniform(SMALLEST_SHARE, 1.0)])
            place = draws.random(4)
            for name, arrays in samples.items():
                pair = (
                    torch.from_numpy(np.array(arrays[i])) for i in (index, int(partners[index]))
                )
                first, second = (_cropped(x, place) for x in pair)
                mixed = share * first + (1 - share) * second
                found[name].append(mixed.to(first.dtype).numpy())
    return found


def _spliced(samples: dict[str, list[Array]], count: int) -> dict[str, list[Array]]:
    """All inputs are cut at the same place; where they have no length in common there is none."""
    lengths = {a.shape[1] if a.ndim > 1 else 0 for arrays in samples.values() for a in arrays}
    total = len(next(iter(samples.values()), []))
    if len(lengths) != 1 or min(lengths) < SHORTEST:
        return samples
    draws = np.random.default_rng(0)
    for _ in range(count - total):
        first, second = draws.integers(total, size=2)
        cut = int(draws.integers(1, min(lengths)))
        for arrays in samples.values():
            parts = arrays[first][:, :cut], arrays[second][:, cut:]
            arrays.append(np.concatenate(parts, axis=1))
    return samples


def _cropped(x: Tensor, place: np.ndarray) -> Tensor:
    """`place`: side, top, left and mirrored or not, each drawn from 0..1."""
    if x.ndim != 4 or x.shape[1] != PICTURE_CHANNELS:
        return x
    side = SMALLEST_CROP + (1 - SMALLEST_CROP) * place[0]
    height, width = (max(1, round(size * side)) for size in x.shape[2:])
    top, left = (
        int(at * (size - kept + 1))
        for at, size, kept in zip(place[1:3], x.shape[2:], (height, width), strict=True)
    )
    part = x[:, :, top : top + height, left : left + width]
    whole = functional.interpolate(part, size=x.shape[2:], mode="bilinear", align_corners=False)
    return whole.flip(3) if place[3] < 0.5 else whole
