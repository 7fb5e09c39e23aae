"""WordPiece tokens of lower-cased text (Wu et al. 2016, section 4.1), as BERT cuts them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")


class WordPiece:
    """Turns sentences into token ids of a fixed length."""

    def __init__(self, vocabulary: Sequence[str], length: int) -> None:
        self._ids = {piece: i for i, piece in enumerate(vocabulary)}
        self._length = length

    def __call__(self, sentences: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Encode sentences.

        Returns:
            Token ids and mask, both int64 [N, length]; the mask is 1 where there is a token.
        """
        ids = np.full((len(sentences), self._length), self._ids["[PAD]"], np.int64)
        for row, sentence in zip(ids, sentences, strict=True):
            tokens = list(self._tokens(sentence))[: self._length - 2]
            row[: len(tokens) + 2] = self._ids["[CLS]"], *tokens, self._ids["[SEP]"]
        return ids, (ids != self._ids["[PAD]"]).astype(np.int64)

    def _tokens(self, sentence: str) -> Iterator[int]:
        plain = unicodedata.normalize("NFD", sentence.lower())
        plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
        for word in WORD_OR_SIGN.findall(plain.replace("_", " _ ")):
            yield from self._pieces(word)

    def _pieces(self, word: str) -> list[int]:
        """Longest known piece first; a word with an unknown part is one unknown token."""
        pieces, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if start == 0 else f"##{word[start:end]}"
                if piece in self._ids:
                    break
            else:
                return [self._ids["[UNK]"]]
            pieces.append(self._ids[piece])
            start = end
        return pieces
