"""Whole quantized networks give LiteRT's bits: every output element, on random inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesdk_runtimes.errors import UnsupportedError
from tests.native.running import largest_difference, litert, native, random_inputs

pytestmark = pytest.mark.native

OWN = (
    "dscnn_int8",
    "effnet_lite0_int8",
    "mobilenet_v2_int8",
    "resnet18_int8",
    "resnet8_int8",
)
MLPERF = (
    "ad/ad01_int8",
    "ic/pretrainedResnet_large_int8",
    "ic/pretrainedResnet_quant",
    "kws/kws_ref_model",
    "sww/str_ww_ref_model",
    "vww/vww_96_int8",
)
COLLECTION = (
    "go-tflite__style_predict_quantized_256",
    "micro-wake-word-models__hey_peppa_pig",
    "micro-wake-word-models__okay_nabu",
    "micro-wake-word-models__v2__alexa",
    "micro-wake-word-models__vad",
    "mltk__audio_example1",
    "mltk__image_example1",
    "mltk__keyword_spotting_mobilenetv2",
    "mltk__keyword_spotting_on_off",
    "mltk__keyword_spotting_on_off_v3",
    "mltk__keyword_spotting_pacman",
    "mltk__keyword_spotting_pacman_v3",
    "mltk__rock_paper_scissors",
    "mltk__tflite_micro_magic_wand",
    "test-data__deeplab_mobilenet_edgetpu_slim_cityscapes_quant",
    "test-data__keras_lstm_mnist_ptq",
    "test-data__mobilenet_v1_0.5_160_quant",
    "test-data__mobilenet_v1_1.0_224_quant_embedding_extractor",
    "tflite-micro__hello_world_int8",
    "tflite-micro__micro_speech_lstm",
    "tflite-micro__trained_lstm_int8",
    "tflite-support__mobilenet_v1_0.25_224_quant",
    "tiny__model_ToyCar_quant_fullint",
    "tinyengine__detection",
)
FILES = (
    *(f"tflite/{name}" for name in OWN),
    *(f"mlperf-tiny/{name}" for name in MLPERF),
    *(f"tflite/collection/{name}" for name in COLLECTION),
)


@pytest.mark.parametrize("name", FILES)
def test_a_quantized_network_has_the_bits_of_litert(name: str, shared_data: Path) -> None:
    model = (shared_data / f"{name}.tflite").read_bytes()
    inputs = random_inputs(model, np.random.default_rng(0))
    for ours, theirs in zip(native(model, inputs), litert(model, inputs), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["tflite/mobilenet_v2_int8", "mlperf-tiny/ad/ad01_int8"])
def test_the_bits_do_not_depend_on_the_number_of_threads(name: str, shared_data: Path) -> None:
    model = (shared_data / f"{name}.tflite").read_bytes()
    inputs = random_inputs(model, np.random.default_rng(1))
    (alone,) = native(model, inputs)
    for threads in (2, 3, 7):
        (shared,) = native(model, inputs, threads=threads)
        assert np.array_equal(alone, shared)


def test_weight_only_files_quantize_activations_as_litert_does(shared_data: Path) -> None:
    for name in ("dtln__model_quant_1", "dtln__model_quant_2"):
        model = (shared_data / f"tflite/collection/{name}.tflite").read_bytes()
        inputs = random_inputs(model, np.random.default_rng(0))
        for ours, theirs in zip(native(model, inputs), litert(model, inputs), strict=True):
            assert np.abs(ours - theirs).max() <= 1e-6 * np.abs(theirs).max()


def test_a_model_with_missing_operators_names_them(shared_data: Path) -> None:
    model = (shared_data / "tflite/collection/test-data__traffic_model.tflite").read_bytes()
    with pytest.raises(UnsupportedError, match="TFLite_Detection_PostProcess"):
        native(model, [])


def test_the_comparison_sees_a_single_wrong_bit() -> None:
    one, other = np.array([3, 4], np.int8), np.array([3, 5], np.int8)
    assert largest_difference(one, other) == 1
