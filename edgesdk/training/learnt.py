"""What learns: steps, weights and biases, each as what a file can hold of it.

A weight is a real number that is rounded anew at every step of the optimizer; its gradient passes
straight through. Steps learn too (Esser et al. 2020, "Learned Step Size Quantization", equation 3):
a step is start * exp(growth), so that it stays positive and moves in shares of itself.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from edgesdk.training.steps import Step
from edgesdk.training.stored import StoredTensor
from edgesdk_quant.scheme import BIAS, block_scale
from edgesdk_quant.torch_graph.fake_quantize import clamp, round_through


class LearntStep(nn.Module):
    """A step that quantizers of activations share: float32 []."""

    def __init__(self, step: Step) -> None:
        """Take what it is, and how far it may grow."""
        super().__init__()
        self.names, self.most = step.names, step.most
        self.start = torch.tensor(step.start)
        self.growth = nn.Parameter(torch.zeros(()))

    def forward(self) -> Tensor:
        """The step as it is now."""
        return (self.start * torch.exp(self.growth)).clamp(max=self.most)


class LearntWeight(nn.Module):
    """Weights that are stored in few bits."""

    def __init__(self, stored: StoredTensor) -> None:
        """Take stored weights."""
        super().__init__()
        self.name, self.scale_name, self.affine = stored.name, stored.scale, stored.affine
        self.start = torch.tensor(stored.affine.scale)
        self._zeros = torch.from_numpy(stored.affine.zeros(stored.array.shape).astype(np.float32))
        self.growth = nn.Parameter(torch.zeros_like(self.start))
        self.real = nn.Parameter(torch.from_numpy(stored.real))

    def forward(self) -> tuple[Tensor, Tensor]:
        """Stored integers as float32, shaped as the weights; and their scale, as in the file."""
        scale, scheme = self._scale(), self.affine.scheme
        places = round_through(self.real / self._along(scale)) + self._zeros
        return clamp(places, scheme.low, scheme.high), scale

    def _scale(self) -> Tensor:
        """float32: [], [C], or one a block, which files hold in 16 bits."""
        grown = self.start * torch.exp(self.growth)
        if not self.affine.block:
            return grown
        held = torch.from_numpy(block_scale(grown.detach().numpy()))
        return grown + (held - grown).detach()

    def _along(self, scale: Tensor) -> Tensor:
        axis, rank = self.affine.axis, self.real.ndim
        if axis is None:
            return scale
        if not self.affine.block:
            return scale.reshape([-1 if d == axis else 1 for d in range(rank)])
        each = scale.repeat_interleave(self.affine.block, dim=axis)
        return each.narrow(axis, 0, self.real.shape[axis])


class LearntBias(nn.Module):
    """A bias in int32, whose step is that of the products it is added to."""

    def __init__(self, stored: StoredTensor) -> None:
        """Take a stored bias."""
        super().__init__()
        self.name, self.scale_name = stored.name, stored.scale
        self.real = nn.Parameter(torch.from_numpy(stored.real))

    def forward(self, step: Tensor) -> Tensor:
        """Stored integers as float32 [C].

        Args:
            step: the step of the products, float32 [C].
        """
        return clamp(round_through(self.real / step.detach()), BIAS.low, BIAS.high)
