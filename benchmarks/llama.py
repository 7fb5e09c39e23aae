"""A Llama decoder that takes one token and its caches, with weights from a file of llama2.c."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import edgesdk
from benchmarks.byte_pairs import BEGIN
from edgesdk_runtimes.base import Array

WINDOW = 256  # positions that the caches hold
UNSEEN = -1e4


@dataclass(frozen=True)
class Sizes:
    """The header of a file of weights, int32 each, in this order."""

    width: int
    hidden: int
    layers: int
    heads: int
    caches: int
    tokens: int
    positions: int

    @property
    def depth(self) -> int:
        """Of a head."""
        return self.width // self.heads


class Layer(nn.Module):
    """Attention over the caches, then the gated feed-forward part."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, stored = sizes.width, sizes.caches * sizes.depth
        self.sizes = sizes
        self.attention_norm, self.norm = (nn.RMSNorm(width, eps=1e-5) for _ in range(2))
        self.query, self.output = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.key, self.value = (nn.Linear(width, stored, bias=False) for _ in range(2))
        self.gate, self.up = (nn.Linear(width, sizes.hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(sizes.hidden, width, bias=False)

    def forward(
        self, x: torch.Tensor, at: tuple[torch.Tensor, ...], *caches: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """One token.

        Args:
            x: float32 [1, 1, width].
            at: its position int64 [1], cosines and sines [1, depth / 2], and the mask
                [1, 1, 1, WINDOW].
            caches: keys and values so far, float32 [1, caches, WINDOW, depth] each.
        """
        position, cos, sin, mask = at
        read = self.attention_norm(x)
        query, key = (turned(self._heads(part(read)), cos, sin) for part in (self.query, self.key))
        new = (key, self._heads(self.value(read)))
        keys, values = (
            cache.index_copy(2, position, row) for cache, row in zip(caches, new, strict=True)
        )
        grouped = query.reshape(1, self.sizes.caches, -1, self.sizes.depth)
        scores = grouped @ keys.transpose(2, 3) / self.sizes.depth**0.5 + mask
        x = x + self.output((torch.softmax(scores, -1) @ values).reshape(1, 1, -1))
        read = self.norm(x)
        return x + self.down(nn.functional.silu(self.gate(read)) * self.up(read)), keys, values

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(1, 1, -1, self.sizes.depth).transpose(1, 2)


def turned(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary embedding of neighbours (RoFormer, Su et al. 2021, eq. 34)."""
    pairs = x.view(*x.shape[:3], -1, 2)
    real, imaginary = pairs[..., 0], pairs[..., 1]
    rotated = (real * cos - imaginary * sin, real * sin + imaginary * cos)
    return torch.stack(rotated, -1).reshape(x.shape)


class Decoder(nn.Module):
    """One step: token int32 [1, 1], position int32 [1], caches -> logits [1, 1, tokens], caches."""

    cos: torch.Tensor
    sin: torch.Tensor
    places: torch.Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.embedding = nn.Embedding(sizes.tokens, sizes.width)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(sizes.layers))
        self.norm = nn.RMSNorm(sizes.width, eps=1e-5)
        self.head = nn.Linear(sizes.width, sizes.tokens, bias=False)
        self.register_buffer("cos", torch.empty(sizes.positions, sizes.depth // 2))
        self.register_buffer("sin", torch.empty(sizes.positions, sizes.depth // 2))
        self.register_buffer("places", torch.arange(WINDOW, dtype=torch.int32))

    def forward(
        self, token: torch.Tensor, position: torch.Tensor, *caches: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """See the class."""
        x, written = self.embedding(token), []
        mask = torch.where(self.places.view(1, 1, 1, -1) <= position, 0.0, UNSEEN)
        row = position.long()
        at = (row, self.cos[row], self.sin[row], mask)
        for index, layer in enumerate(self.layers):
            x, *new = layer(x, at, *caches[2 * index : 2 * index + 2])
            written += new
        return (self.head(self.norm(x)), *written)

    def start(self) -> dict[str, Array]:
        """Inputs of the first step."""
        empty = np.zeros((1, self.sizes.caches, WINDOW, self.sizes.depth), np.float32)
        names = [f"{kind}{i}" for i in range(self.sizes.layers) for kind in ("keys", "values")]
        return step_inputs(BEGIN, 0, [empty] * len(names), names)


def step_inputs(
    token: int, position: int, caches: Sequence[Array], names: Sequence[str]
) -> dict[str, Array]:
    """What one step takes, by name."""
    given = {"token": np.array([[token]], np.int32), "position": np.array([position], np.int32)}
    return given | dict(zip(names, caches, strict=True))


def steps(run: Any, first: dict[str, Array], tokens: Sequence[int]) -> Iterator[Array]:
    """Logits [tokens] behind each token.

    Args:
        run: takes arrays in order, gives a list of arrays.
        first: inputs of the first step.
        tokens: at most WINDOW.
    """
    given = first
    names = list(first)[2:]
    for position, token in enumerate(tokens):
        caches = list(given.values())[2:]
        logits, *caches = run(*step_inputs(token, position, caches, names).values())
        given = step_inputs(token, position, caches, names)
        yield np.asarray(logits).reshape(-1)


def input_specs(first: dict[str, Array]) -> dict[str, edgesdk.InputSpec]:
    """Fixed shapes: a decoder's batch is 1."""
    return {name: edgesdk.InputSpec(a.shape, str(a.dtype)) for name, a in first.items()}


def load_decoder(path: Path) -> Decoder:
    """Read a file of weights, version 0."""
    raw = path.read_bytes()
    sizes = Sizes(*struct.unpack_from("7i", raw))
    decoder, weights = Decoder(sizes), np.frombuffer(raw, np.float32, offset=28)
    with torch.no_grad():
        for target in _in_file_order(decoder):
            taken, weights = weights[: target.numel()], weights[target.numel() :]
            target.copy_(torch.tensor(taken).view(target.shape))
        decoder.head.weight.copy_(decoder.embedding.weight)
    return decoder.eval()


def _in_file_order(decoder: Decoder) -> Iterator[torch.Tensor]:
    yield decoder.embedding.weight
    for name in ("attention_norm", "query", "key", "value", "output", "norm", "gate", "down", "up"):
        yield from (getattr(layer, name).weight for layer in decoder.layers)
    yield from (decoder.norm.weight, decoder.cos, decoder.sin)
