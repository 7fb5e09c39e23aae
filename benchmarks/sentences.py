"""Sentence vectors against the float ones, and against what people say about pairs of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import edgesdk
from benchmarks.data import shared_data
from edgesdk.artifact import Artifact
from edgesdk_runtimes.base import Array
from examples.models import minilm


@dataclass(frozen=True)
class Closeness:
    """Cosines between an artifact's vectors and the float ones: the mean and the smallest one."""

    mean: float
    least: float


@dataclass(frozen=True)
class Similarity:
    """An artifact on the words of WordSim-353 and the texts of Lee's corpus.

    Attributes:
        spearman_float: rank correlation of the float model with people, on word pairs.
        spearman: of the artifact.
        words: cosines on single words.
        texts: cosines on news texts of 50 to 130 words.
    """

    spearman_float: float
    spearman: float
    words: Closeness
    texts: Closeness


def similarity(exact: Artifact, artifact: Artifact | Path, runtime: str = "auto") -> Similarity:
    """Compare an artifact with the float model."""
    pairs = word_pairs()
    words = sorted({word for pair in pairs for word in pair[:2]})
    rows = np.array([[words.index(word) for word in pair[:2]] for pair in pairs])
    people = np.array([float(pair[2]) for pair in pairs])
    expected, actual = _exact(exact, tuple(words)), vectors(artifact, words, runtime)
    return Similarity(
        _agreement(expected, rows, people),
        _agreement(actual, rows, people),
        _closeness(expected, actual),
        _closeness(_exact(exact, tuple(texts())), vectors(artifact, texts(), runtime)),
    )


def word_pairs() -> list[list[str]]:
    """Word, word and how similar people find them, of WordSim-353."""
    lines = (shared_data() / "text" / "wordsim353.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def texts() -> list[str]:
    """The 50 news texts of Lee et al. 2005."""
    lines = (shared_data() / "text" / "lee.cor").read_text("latin-1").splitlines()
    return [line for line in lines if line.strip()]


@cache
def _exact(model: Artifact, sentences: tuple[str, ...]) -> Array:
    return vectors(model, sentences)


def vectors(model: Artifact | Path, sentences: Sequence[str], runtime: str = "auto") -> Array:
    """float64 [N, 384], one sentence at a time."""
    ids, mask = minilm.tokenizer()(sentences)
    with edgesdk.Runner(model, runtime) as runner:
        found = [runner(ids[i : i + 1], mask[i : i + 1]) for i in range(len(sentences))]
    return np.concatenate([np.asarray(vector, np.float64) for vector in found])


def _closeness(expected: Array, actual: Array) -> Closeness:
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(actual, axis=1)
    cosines = (expected * actual).sum(1) / lengths
    return Closeness(float(cosines.mean()), float(cosines.min()))


def _agreement(found: Array, rows: Array, people: Array) -> float:
    """Spearman's correlation of the cosine of word pairs with what people say."""
    cosines = (found[rows[:, 0]] * found[rows[:, 1]]).sum(1)
    return float(np.corrcoef(_ranks(cosines), _ranks(people))[0, 1])


def _ranks(values: Array) -> Array:
    """Ranks from 1, ties get their mean: what Spearman's correlation is taken of."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(((last - counts + 1 + last) / 2)[inverse])
