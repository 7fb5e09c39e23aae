"""ResNet-18 and ResNet-50 (He et al. 2015, table 1; stride on the 3x3), seeded weights."""

from __future__ import annotations

import torch
from torch import nn

import edgesdk
from examples.models.seeded import with_seeded_weights

IMAGE_SHAPE = (3, 224, 224)
WIDTHS = (64, 128, 256, 512)
# depth -> (bottleneck, blocks in each stage)
DEPTHS = {18: (False, (2, 2, 2, 2)), 50: (True, (3, 4, 6, 3))}


def convolution(c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, BatchNorm."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(c_out)
    )


class Block(nn.Module):
    """Two 3x3 convolutions, or a 1x1 - 3x3 - 1x1 bottleneck, around a shortcut."""

    def __init__(self, c_in: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        c_out = width * 4 if bottleneck else width
        if bottleneck:
            layers = [
                convolution(c_in, width, 1),
                nn.ReLU(),
                convolution(width, width, 3, stride),
                nn.ReLU(),
                convolution(width, c_out, 1),
            ]
        else:
            layers = [convolution(c_in, width, 3, stride), nn.ReLU(), convolution(width, width, 3)]
        self.layers = nn.Sequential(*layers)
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Identity() if same else convolution(c_in, c_out, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [N, c_in, H, W] -> [N, c_out, H / stride, W / stride]."""
        return torch.relu(self.layers(x) + self.shortcut(x))


@edgesdk.model(inputs={"image": (None, *IMAGE_SHAPE)})
class ResNet(nn.Module):
    """float32 [N, 3, 224, 224] -> [N, 1000] logits."""

    def __init__(self, depth: int, classes: int = 1000) -> None:
        super().__init__()
        bottleneck, repeats = DEPTHS[depth]
        blocks: list[nn.Module] = []
        c_in = 64
        for stage, (width, count) in enumerate(zip(WIDTHS, repeats, strict=True)):
            for i in range(count):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(Block(c_in, width, stride, bottleneck=bottleneck))
                c_in = width * 4 if bottleneck else width
        self.stem = nn.Sequential(convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(c_in, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """One logit for each class."""
        features = self.blocks(self.stem(image)).mean((2, 3))
        logits: torch.Tensor = self.classifier(features)
        return logits


def build(depth: int = 18) -> ResNet:
    """Build ResNet of depth 18 or 50 with seeded weights."""
    return with_seeded_weights(ResNet(depth), IMAGE_SHAPE)
