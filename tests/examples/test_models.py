"""Each example model is captured with the results that torch gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from edgesdk.capture import capture
from edgesdk.spec import ATTRIBUTE, InputSpec
from edgesdk_quant.graph import to_bytes
from edgesdk_runtimes.errors import RuntimeMissingError
from examples.models import (
    crepe,
    ds_cnn,
    efficientnet_lite,
    linear_regression,
    minilm,
    mobilenet_v2,
    resnet,
)
from tests.quant.graph.test_normal_form import check_normal
from tests.quant.graph.written import ops, run

BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "linear regression": linear_regression.build,
    "DS-CNN": ds_cnn.build,
    "CREPE": crepe.build,
    "MobileNetV2": mobilenet_v2.build,
    "EfficientNet-Lite0": efficientnet_lite.build,
    "EfficientNet-Lite2": lambda: efficientnet_lite.build(2),
    "MiniLM": minilm.build,
    "ResNet-18": lambda: resnet.build(18),
    "ResNet-50": lambda: resnet.build(50),
}
# Operators that quantization and fusion stand on: none may be lost or split.
OPERATORS = {
    "linear regression": {"MatMul": 1},
    "DS-CNN": {"Conv": 9, "Gemm": 1, "Softmax": 1},
    "MobileNetV2": {"Conv": 52, "Clip": 35, "Add": 10, "Gemm": 1},
    "EfficientNet-Lite0": {"Conv": 49, "Add": 9, "Gemm": 1},
    "EfficientNet-Lite2": {"Conv": 64, "Add": 14, "Gemm": 1},
    "MiniLM": {"LayerNormalization": 13, "Gelu": 6, "Softmax": 6, "MatMul": 48},
    "ResNet-18": {"Conv": 20, "Add": 8, "Gemm": 1},
    "ResNet-50": {"Conv": 53, "Add": 16, "Gemm": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
def test_it_is_captured(name: str) -> None:
    try:
        module = BUILDERS[name]()
    except RuntimeMissingError as error:
        pytest.skip(str(error))
    graph = capture(module)
    check_normal(graph)
    found = ops(graph)
    assert {op: found[op] for op in OPERATORS.get(name, {})} == OPERATORS.get(name, {})
    for batch in (1, 3):
        feeds = {key: _random(spec, batch) for key, spec in getattr(module, ATTRIBUTE).items()}
        with torch.no_grad():
            expected = module(*map(torch.from_numpy, feeds.values())).numpy()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(run(graph, feeds)[0] / scale, expected / scale, atol=1e-4)


def _random(spec: InputSpec, batch: int) -> NDArray[Any]:
    random = np.random.default_rng(batch)
    shape = tuple(size or batch for size in spec.shape)
    if spec.dtype == "float32":
        return random.normal(size=shape).astype(np.float32)
    return random.integers(0, 2, shape) | (np.arange(shape[-1]) < 3)


def test_seeded_weights_are_the_same_each_time() -> None:
    first, second = (ds_cnn.build().state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert to_bytes(capture(ds_cnn.build())) == to_bytes(capture(ds_cnn.build()))


def test_seeded_statistics_describe_the_activations() -> None:
    """A layer's normalised outputs have deviation near its gain: ranges are those of a real net."""
    model = mobilenet_v2.build()
    with torch.no_grad():
        features = model.features(torch.randn(4, 3, 224, 224))
    assert 0.01 < float(features.std()) < 10


def test_small_pictures_keep_their_size_through_the_first_two_strides(tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(mobilenet_v2.Cifar().state_dict(), tmp_path / "weights.pt")
    model = mobilenet_v2.build_cifar(tmp_path / "weights.pt")
    with torch.no_grad():
        assert model.features(torch.zeros(1, 3, 32, 32)).shape == (1, 1792, 4, 4)
        assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_wordpiece_cuts_words_as_bert_does() -> None:
    try:
        tokenize = minilm.tokenizer()
    except RuntimeMissingError as error:
        pytest.skip(str(error))
    ids, mask = tokenize(["Hello, Wörld!", "unaffable"])
    assert ids[0, :7].tolist() == [101, 7592, 1010, 2088, 999, 102, 0]
    assert ids[1, :5].tolist() == [101, 14477, 20961, 3468, 102]
    assert mask.sum(1).tolist() == [6, 5]
