"""MobileNetV2 (Sandler et al. 2018, table 2) with seeded weights."""

from __future__ import annotations

import torch
from torch import nn

import edgesdk
from examples.models.seeded import with_seeded_weights

IMAGE_SHAPE = (3, 224, 224)
# expansion, output channels, repeats, stride of the first
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def convolution(
    c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution without bias, BatchNorm, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, project linearly; add the input where the shapes agree."""

    def __init__(self, c_in: int, c_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = c_in * expansion
        expand = [convolution(c_in, width)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *expand,
            convolution(width, width, 3, stride, groups=width),
            nn.Conv2d(width, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
        )
        self.shortcut = stride == 1 and c_in == c_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [N, c_in, H, W] -> [N, c_out, H / stride, W / stride]."""
        y: torch.Tensor = self.layers(x)
        return x + y if self.shortcut else y


@edgesdk.model(inputs={"image": (None, *IMAGE_SHAPE)})
class MobileNetV2(nn.Module):
    """float32 [N, 3, 224, 224] -> [N, 1000] logits."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(3, 32, 3, 2)]
        c_in = 32
        for expansion, c_out, repeats, first_stride in STAGES:
            for i in range(repeats):
                stride = first_stride if i == 0 else 1
                layers.append(InvertedResidual(c_in, c_out, stride, expansion))
                c_in = c_out
        self.features = nn.Sequential(*layers, convolution(c_in, 1280))
        self.classifier = nn.Linear(1280, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """One logit for each class."""
        logits: torch.Tensor = self.classifier(self.features(image).mean((2, 3)))
        return logits


def build() -> MobileNetV2:
    """Build MobileNetV2 1.0 with seeded weights."""
    return with_seeded_weights(MobileNetV2(), IMAGE_SHAPE)
