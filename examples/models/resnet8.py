"""ResNet-8 for CIFAR-10, of MLPerf Tiny (Banbury et al. 2021), with seeded weights."""

from __future__ import annotations

import torch
from torch import nn

import edgesdk
from examples.models.resnet import Block, convolution
from examples.models.seeded import with_seeded_weights

IMAGE_SHAPE = (3, 32, 32)


@edgesdk.model(inputs={"image": (None, *IMAGE_SHAPE)})
class ResNet8(nn.Module):
    """float32 [N, 3, 32, 32] -> [N, 10] logits."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(3, 16, 3), nn.ReLU())
        self.blocks = nn.Sequential(
            Block(16, 16, 1, bottleneck=False),
            Block(16, 32, 2, bottleneck=False),
            Block(32, 64, 2, bottleneck=False),
        )
        self.classifier = nn.Linear(64, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """One logit for each class."""
        logits: torch.Tensor = self.classifier(self.blocks(self.stem(image)).mean((2, 3)))
        return logits


def build() -> ResNet8:
    """Build ResNet-8 with seeded weights."""
    return with_seeded_weights(ResNet8(), IMAGE_SHAPE)
