"""ResNet-20, 32, 44 and 56 for CIFAR-10 (He et al. 2015, section 4.2, shortcuts of option A)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

import edgesdk

IMAGE_SHAPE = (3, 32, 32)
WIDTHS = (16, 32, 64)
CLASSES = 10
# RGB values of training, as mean and deviation in units of 0..255.
MEAN = (123.675, 116.28, 103.53)
DEVIATION = (58.395, 57.12, 57.375)


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut that pads new channels with zeros."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.stride, self.added = stride, c_out - c_in

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [N, c_in, H, W] -> [N, c_out, H / stride, W / stride]."""
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.added:
            side = self.added // 2
            x = nn.functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, side, side))
        return torch.relu(y + x)


def stage(c_in: int, c_out: int, blocks: int) -> nn.Sequential:
    """Blocks of one width; the first halves height and width where the channels double."""
    first = Block(c_in, c_out, stride=c_out // c_in)
    return nn.Sequential(first, *(Block(c_out, c_out, 1) for _ in range(blocks - 1)))


@edgesdk.model(inputs={"image": (None, *IMAGE_SHAPE)})
class CifarResNet(nn.Module):
    """float32 [N, 3, 32, 32] -> [N, 10] logits."""

    def __init__(self, blocks_a_stage: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        first, second, third = WIDTHS
        self.layer1 = stage(first, first, blocks_a_stage)
        self.layer2 = stage(first, second, blocks_a_stage)
        self.layer3 = stage(second, third, blocks_a_stage)
        self.linear = nn.Linear(third, CLASSES)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """One logit for each class."""
        x = torch.relu(self.bn1(self.conv1(image)))
        features = self.layer3(self.layer2(self.layer1(x))).mean((2, 3))
        logits: torch.Tensor = self.linear(features)
        return logits


def build(weights: Path, depth: int = 20) -> CifarResNet:
    """Build the network with weights of a checkpoint.

    Args:
        weights: file of torch with the key "state_dict", names with the prefix "module.".
        depth: 20, 32, 44 or 56.
    """
    state = torch.load(weights, map_location="cpu", weights_only=True)["state_dict"]
    model = CifarResNet((depth - 2) // 6)
    model.load_state_dict({name.removeprefix("module."): array for name, array in state.items()})
    return model.eval()
