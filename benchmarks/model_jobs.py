"""Which models go through the whole way, and on what data."""

from __future__ import annotations

import importlib.util
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.data import shared_data
from edgesdk.labels import Labels, read_labels
from edgesdk_quant.data import CalibrationData, open_data
from edgesdk_quant.preprocess import Preprocess
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import RuntimeMissingError
from examples.models import (
    ds_cnn,
    efficientnet_lite,
    minilm,
    mobilenet_v1,
    mobilenet_v2,
    resnet,
    resnet_cifar,
)

CALIBRATION = 64
KWS_SCALE, KWS_ZERO = 0.58470290899, 83


@dataclass(frozen=True)
class Samples:
    """Data of a job.

    Attributes:
        calibration: what ranges come from.
        test: other samples, that the runtimes are compared on.
        labels: classes of the test samples, None for models without.
    """

    calibration: CalibrationData
    test: CalibrationData
    labels: Labels | None = None


@dataclass(frozen=True)
class Job:
    """One model.

    Attributes:
        model: gives an `nn.Module` or the path of an .onnx file.
        samples: gives its data.
        recipes: what it is quantized with.
        slow: with these recipes only a few samples are compared (integer reference kernels).
    """

    model: Callable[[], Any]
    samples: Callable[[], Samples]
    recipes: tuple[str, ...] = ("w8a8",)
    slow: frozenset[str] = frozenset({"w8a16"})


ALL_RECIPES = ("w8a8", "w8", "w8a16")


def _photos(steps: Preprocess, test: int) -> Samples:
    folder = shared_data() / "imagenet"
    data = open_data(folder / "images", steps)
    return Samples(
        data.limited(CALIBRATION),
        data.skipped(CALIBRATION).limited(test),
        read_labels(folder / "labels.csv"),
    )


def _photos_without_labels(test: int, side: int = 224) -> Samples:
    """For weights that were never trained: agreement with float is what counts."""
    photos = _photos(Preprocess(crop=side, resize=side + side // 7, std=(255.0,)), test)
    return Samples(photos.calibration.limited(16), photos.test)


def _arrays(x: Array, y: Array, test: int) -> Samples:
    known, unknown = x[:CALIBRATION], x[CALIBRATION : CALIBRATION + test]
    labels = Labels({}, tuple(map(int, y[CALIBRATION : CALIBRATION + test])))
    return Samples(open_data(known), open_data(unknown), labels)


def _keywords(test: int) -> Samples:
    """The official accuracy set of MLPerf Tiny: int8 [1000, 49, 10, 1] with its scale."""
    held = np.load(shared_data() / "mlperf-tiny" / "kws" / "kws01_1000.npz")
    real = ((held["x"].astype(np.float64) - KWS_ZERO) * KWS_SCALE).astype(np.float32)
    return _arrays(np.ascontiguousarray(real.transpose(0, 3, 1, 2)), held["y"], test)


def _keywords_without_labels(test: int) -> Samples:
    data = _keywords(test)
    return Samples(data.calibration, data.test)


def cifar10(count: int, mean: Sequence[float], deviation: Sequence[float]) -> tuple[Array, Array]:
    """The first images of each class in turn, float32 [count, 3, 32, 32], with their classes."""
    pixels, classes = [], []
    with tarfile.open(shared_data() / "cifar10" / "cifar10_test_jpg.tar") as archive:
        members = sorted((m for m in archive if m.isfile()), key=lambda m: Path(m.name).name)
        names = sorted({Path(m.name).parent.name for m in members})
        for member in members[:count]:
            stream = archive.extractfile(member)
            if stream is not None:
                pixels.append(np.asarray(Image.open(BytesIO(stream.read())).convert("RGB")))
                classes.append(names.index(Path(member.name).parent.name))
    images = (np.stack(pixels) - np.array(mean)) / np.array(deviation)
    return images.transpose(0, 3, 1, 2).astype(np.float32, order="C"), np.array(classes)


def cifar_samples(
    test: int, mean: Sequence[float] = (0, 0, 0), deviation: Sequence[float] = (1, 1, 1)
) -> Samples:
    return _arrays(*cifar10(CALIBRATION + test, mean, deviation), test)


def sentences() -> list[str]:
    """300 news texts, and their first words: the gensim package ships them."""
    spec = importlib.util.find_spec("gensim")
    if spec is None or spec.origin is None:
        raise SystemExit("The texts come with the package gensim: pip install --no-deps gensim")
    corpus = Path(spec.origin).parent / "test" / "test_data" / "lee_background.cor"
    texts = corpus.read_text("utf-8").splitlines()
    return [part for text in texts for part in (text, " ".join(text.split()[:6]))]


def _sentences(test: int) -> Samples:
    ids, mask = minilm.tokenizer()(sentences()[: CALIBRATION + test])
    pairs = list(zip(ids[:, None], mask[:, None], strict=True))
    return Samples(open_data(pairs[:CALIBRATION]), open_data(pairs[CALIBRATION:]))


def _tiny(name: str) -> Callable[[], str]:
    return lambda: str(shared_data() / "mlperf-tiny" / "onnx" / f"{name}.onnx")


def _cifar_resnet(depth: int, file: str) -> Callable[[], Any]:
    return lambda: resnet_cifar.build(shared_data() / "cifar10" / file, depth)


def _efficientnet(variant: int, recipes: tuple[str, ...] = ("w8a8",)) -> Job:
    steps = efficientnet_lite.preprocess(variant)
    return Job(lambda: efficientnet_lite.build(variant), lambda: _photos(steps, 136), recipes)


# Where `benchmarks.train_mobilenet_v2` leaves the weights.
MOBILENET_V2 = Path("build/mobilenet_v2_cifar.pt")


def _mobilenet_v2() -> Any:
    if not MOBILENET_V2.exists():
        raise RuntimeMissingError(
            f"There is no {MOBILENET_V2}; python -m benchmarks.train_mobilenet_v2 trains it."
        )
    return mobilenet_v2.build_cifar(MOBILENET_V2)


TRAINED_CIFAR = (resnet_cifar.MEAN, resnet_cifar.DEVIATION)

JOBS: Mapping[str, Job] = {
    "EfficientNet-Lite0": _efficientnet(0, ALL_RECIPES),
    "EfficientNet-Lite1": _efficientnet(1),
    "EfficientNet-Lite2": _efficientnet(2),
    "MobileNetV2 1.4 (CIFAR-10)": Job(_mobilenet_v2, lambda: cifar_samples(400, *TRAINED_CIFAR)),
    "MobileNetV1, ImageNet": Job(mobilenet_v1.build, lambda: _photos(mobilenet_v1.PREPROCESS, 136)),
    "MiniLM-L6": Job(minilm.build, lambda: _sentences(8), ALL_RECIPES),
    "ResNet-20 (CIFAR-10)": Job(
        _cifar_resnet(20, "resnet20-12fca82f.th"), lambda: cifar_samples(400, *TRAINED_CIFAR)
    ),
    "ResNet-56 (CIFAR-10)": Job(
        _cifar_resnet(56, "resnet56-4bfd9763.th"), lambda: cifar_samples(400, *TRAINED_CIFAR)
    ),
    "ResNet-8 (MLPerf Tiny IC)": Job(_tiny("ic_resnet8_cifar10"), lambda: cifar_samples(400)),
    "ResNet-8, large (MLPerf Tiny)": Job(
        _tiny("ic_resnet8_large_cifar10"), lambda: cifar_samples(400)
    ),
    "DS-CNN (MLPerf Tiny KWS)": Job(_tiny("kws_dscnn"), lambda: _keywords(936)),
    "MobileNetV1-0.25 (MLPerf Tiny VWW)": Job(
        _tiny("vww_mobilenetv1_025_96"), lambda: _photos_without_labels(64, 96)
    ),
    "DS-CNN, seeded": Job(ds_cnn.build, lambda: _keywords_without_labels(64)),
    "MobileNetV2, seeded": Job(mobilenet_v2.build, lambda: _photos_without_labels(8)),
    "ResNet-18, seeded": Job(resnet.build, lambda: _photos_without_labels(8)),
    "ResNet-50, seeded": Job(lambda: resnet.build(50), lambda: _photos_without_labels(4)),
}
