"""Where AdaRound starts: each layer of a block rounded by GPTQ, behind those before it.

GPTQ solves for all weights of a row at once what a gradient would have to find step by step: from
the nearest neighbours AdaRound ends up to 2 dB below what it reaches from there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgesdk_quant.algorithms.gptq_rounding import Gptq
from edgesdk_quant.algorithms.layer_rounding import round_layers
from edgesdk_quant.algorithms.reconstruction import Step
from edgesdk_quant.graph import constant, node_named
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.progress import Silent

# Of the mean of the Hessian's diagonal. With GPTQ's own 0.01 weights go far, and what does not hold
# for other samples is not taken back.
DAMPINGS = (1.0, 0.3, 0.1)
# A Hessian of so many columns takes half a gigabyte in float64, and as much again to solve.
LARGEST_DEPTH = 8192


def first_rounding(step: Step) -> Mapping[WeightSite, NDArray[np.float32]]:
    """Weights on their grid, of all sites of a block but those of the deepest layers."""
    sites = tuple(site for site in step.block.sites if _depth(step, site) <= LARGEST_DEPTH)
    some = replace(step, block=replace(step.block, sites=sites))
    rounded = round_layers(some, Silent(), Gptq(DAMPINGS).rounded)
    return {site: layer.weight for site, layer in rounded.items()}


def _depth(step: Step, site: WeightSite) -> int:
    weight = constant(node_named(step.twin.graph, site.node).inputs[site.index])
    shape: tuple[int, ...] = np.asarray(weight).shape
    return math.prod(shape) // shape[site.axis]
