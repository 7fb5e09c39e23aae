"""Deterministic stand-ins for trained weights that PyPI does not ship."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)
BATCH = 8


def with_seeded_weights(model: Network, image_shape: tuple[int, int, int]) -> Network:
    """Fill a network with random weights whose activations look like those of a trained one.

    Convolutions keep the variance (He et al. 2015), BatchNorm gains and offsets vary by channel,
    and the running statistics are measured on smooth random images.

    Args:
        model: any network of convolutions, BatchNorm and linear layers; changed in place.
        image_shape: C, H, W of its input.

    Returns:
        The same network in evaluation mode.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for module in model.modules():
            _fill(module)
        model.train()(smooth_images(image_shape))
    return model.eval()


def smooth_images(shape: tuple[int, int, int], count: int = BATCH) -> torch.Tensor:
    """Random blobs with a little noise: float32 [count, *shape], mean 0, deviation about 1."""
    channels, height, width = shape
    coarse = torch.randn(count, channels, max(height // 16, 2), max(width // 16, 2))
    blobs = nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return blobs * 1.4 + 0.1 * torch.randn(count, *shape)


def _fill(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.uniform_(module.weight, 0.5, 1.5)
        nn.init.normal_(module.bias, std=0.3)
        module.momentum = None  # the plain average of all batches seen
