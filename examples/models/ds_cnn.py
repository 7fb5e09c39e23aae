"""DS-CNN for keyword spotting (Zhang et al. 2017; the size of MLPerf Tiny), seeded weights."""

from __future__ import annotations

import torch
from torch import nn

import edgesdk
from examples.models.seeded import with_seeded_weights

MFCC_SHAPE = (1, 49, 10)  # one channel, frames, coefficients
CHANNELS = 64
BLOCKS = 4


def convolution(
    c_in: int, kernel: tuple[int, int], stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution to 64 channels, BatchNorm, ReLU."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(c_in, CHANNELS, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(CHANNELS),
        nn.ReLU(),
    )


@edgesdk.model(inputs={"mfcc": (None, *MFCC_SHAPE)})
class DsCnn(nn.Module):
    """float32 [N, 1, 49, 10] -> [N, 12] probabilities."""

    def __init__(self, keywords: int = 12) -> None:
        super().__init__()
        layers = [convolution(1, (11, 5), stride=2)]
        for _ in range(BLOCKS):
            layers.append(convolution(CHANNELS, (3, 3), groups=CHANNELS))
            layers.append(convolution(CHANNELS, (1, 1)))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(CHANNELS, keywords)

    def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
        """One probability for each keyword."""
        return torch.softmax(self.classifier(self.features(mfcc).mean((2, 3))), dim=1)


def build() -> DsCnn:
    """Build DS-CNN with seeded weights."""
    return with_seeded_weights(DsCnn(), MFCC_SHAPE)
