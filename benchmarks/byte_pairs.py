"""Text to tokens by a vocabulary as llama2.c writes it: a score for each token."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

BEGIN = 1
BYTES = 3  # tokens in front of those for single bytes


class Vocabulary:
    """Byte pairs: of neighbours that make a token, those with the best score are joined first."""

    def __init__(self, path: Path, count: int) -> None:
        raw, at = path.read_bytes(), 4
        self.pieces: list[bytes] = []
        self.scores: list[float] = []
        for _ in range(count):
            score, size = struct.unpack_from("fi", raw, at)
            self.pieces.append(raw[at + 8 : at + 8 + size])
            self.scores.append(score)
            at += 8 + size
        self.ids = {piece: i for i, piece in reversed(list(enumerate(self.pieces)))}

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, BEGIN in front."""
        found = [self.ids[b" "]]
        for letter in text:
            piece = letter.encode()
            found += [self.ids[piece]] if piece in self.ids else [BYTES + b for b in piece]
        while (best := self._best(found)) is not None:
            found[best : best + 2] = [self.ids[self._joined(found, best)]]
        return [BEGIN, *found]

    def _joined(self, tokens: Sequence[int], at: int) -> bytes:
        return self.pieces[tokens[at]] + self.pieces[tokens[at + 1]]

    def _best(self, tokens: Sequence[int]) -> int | None:
        places = [i for i in range(len(tokens) - 1) if self._joined(tokens, i) in self.ids]
        rank = {i: self.scores[self.ids[self._joined(tokens, i)]] for i in places}
        return max(places, key=rank.__getitem__, default=None)
