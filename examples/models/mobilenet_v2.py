"""MobileNetV2 (Sandler et al. 2018, table 2): with seeded weights, or trained for CIFAR-10."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

import edgesdk
from examples.models.seeded import with_seeded_weights

IMAGE_SHAPE = (3, 224, 224)
CIFAR_SHAPE = (3, 32, 32)
CIFAR_CLASSES = 10
CIFAR_WIDTH = 1.4
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


def channels(wanted: float) -> int:
    """The nearest multiple of 8, at least 9/10 of what is wanted."""
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * wanted else nearest


class MobileNetV2(nn.Module):
    """float32 [N, 3, S, S] -> [N, classes] logits."""

    def __init__(self, classes: int = 1000, width: float = 1.0, fine: int = 0) -> None:
        """Build it.

        Args:
            classes: how many there are.
            width: all numbers of channels are times this; the last ones grow, but never shrink.
            fine: so many of the first strides of 2 are 1, for small pictures.
        """
        super().__init__()
        strides = [2, *(stride for _, _, _, stride in STAGES)]
        for place in [i for i, stride in enumerate(strides) if stride == 2][:fine]:
            strides[place] = 1
        c_in = channels(32 * width)
        layers: list[nn.Module] = [convolution(3, c_in, 3, strides[0])]
        for (expansion, wanted, repeats, _), first_stride in zip(STAGES, strides[1:], strict=True):
            c_out = channels(wanted * width)
            for i in range(repeats):
                stride = first_stride if i == 0 else 1
                layers.append(InvertedResidual(c_in, c_out, stride, expansion))
                c_in = c_out
        last = channels(1280 * max(width, 1.0))
        self.features = nn.Sequential(*layers, convolution(c_in, last))
        self.classifier = nn.Linear(last, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """One logit for each class."""
        logits: torch.Tensor = self.classifier(self.features(image).mean((2, 3)))
        return logits


@edgesdk.model(inputs={"image": (None, *IMAGE_SHAPE)})
class ImageNet(MobileNetV2):
    """MobileNetV2 1.0, float32 [N, 3, 224, 224] -> [N, 1000] logits."""


@edgesdk.model(inputs={"image": (None, *CIFAR_SHAPE)})
class Cifar(MobileNetV2):
    """MobileNetV2 1.4 whose first two strides are 1, float32 [N, 3, 32, 32] -> [N, 10] logits."""

    def __init__(self) -> None:
        super().__init__(CIFAR_CLASSES, CIFAR_WIDTH, fine=2)


def build() -> MobileNetV2:
    """Build MobileNetV2 1.0 with seeded weights."""
    return with_seeded_weights(ImageNet(), IMAGE_SHAPE)


def build_cifar(weights: Path) -> MobileNetV2:
    """Build the one for CIFAR-10 with trained weights (a .pt file of a state_dict)."""
    model = Cifar()
    model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return model.eval()
