"""Linear regression: the smallest model that EdgeSDK takes."""

from __future__ import annotations

import torch
from torch import nn

import edgesdk

FEATURES = 4


@edgesdk.model(inputs={"x": (None, FEATURES)})
class LinearRegression(nn.Module):
    """float32 [N, 4] -> [N, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, FEATURES).reshape(FEATURES, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The weighted sum of the features."""
        return torch.matmul(x, self.weight)


def build() -> LinearRegression:
    """Build the model; its weights are evenly spaced from -1 to 1."""
    return LinearRegression().eval()
