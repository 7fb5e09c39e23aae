"""Accuracy of a model file on labelled data."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgesdk.batching import run_batched
from edgesdk.labels import Labels
from edgesdk_quant.data import CalibrationData, Sample
from edgesdk_quant.progress import Progress, Silent
from edgesdk_runtimes.base import Array, Session
from edgesdk_runtimes.errors import InputError, ModelError


@dataclass(frozen=True)
class Accuracy:
    """How often a classifier is right.

    Attributes:
        samples: how many had a label and were counted.
        unlabelled: how many had none.
        top1: percent of samples whose best class is the label.
        top5: percent of samples whose label is among the five best; None below six classes.
    """

    samples: int
    unlabelled: int
    top1: float
    top5: float | None


@dataclass(frozen=True)
class Evaluation:
    """The accuracy of a model file.

    Attributes:
        model: its path.
        runtime: where it ran.
        accuracy: how often it is right.
    """

    model: str
    runtime: str
    accuracy: Accuracy


@dataclass
class _Ranks:
    """Of each labelled sample the rank of its label, 0 being the best class."""

    labelled: list[int] = field(default_factory=list)
    unlabelled: int = 0
    classes: int = 0

    def add(self, sample: Sample, label: int | None, session: Session) -> None:
        if label is None:
            self.unlabelled += 1
            return
        scores = _scores(run_batched(session, sample.arrays)[0])
        self.classes = scores.size
        self.labelled.append(_rank(scores, label, sample.name))


def evaluate_session(
    session: Session, data: CalibrationData, labels: Labels, progress: Progress | None = None
) -> Accuracy:
    """Run all samples.

    Args:
        session: a classifier; its first output is [batch, classes].
        data: samples in the session's layout.
        labels: classes of the samples.
        progress: told after each sample; None tells nobody.

    Raises:
        InputError: no sample has a label, or a label is no class.
        ModelError: the first output holds no scores.
    """
    ranks, told = _Ranks(), progress or Silent()
    told.start("evaluating", data.count or None, "samples")
    for place, sample in enumerate(data.samples(session.inputs)):
        ranks.add(sample, labels.of(sample.name, place), session)
        told.advance()
    told.finish()
    if not ranks.labelled:
        raise InputError(
            f"None of the {ranks.unlabelled} samples is among the {len(labels)} labels. The names "
            "in the labels must be those of the files."
        )
    found = np.array(ranks.labelled)
    top5 = 100 * float((found < 5).mean()) if ranks.classes > 5 else None
    return Accuracy(len(found), ranks.unlabelled, 100 * float((found < 1).mean()), top5)


def _scores(output: Array) -> Array:
    scores = output.ravel()
    if scores.size < 2 or scores.size != output.shape[-1]:
        raise ModelError(
            f"The first output has shape {list(output.shape)}, which are no scores of one sample. "
            "Evaluate a classifier: its first output is [batch, classes]."
        )
    return scores


def _rank(scores: Array, label: int, name: str) -> int:
    if not 0 <= label < scores.size:
        raise InputError(
            f"Sample {name} has label {label}; the model has the classes 0 to {scores.size - 1}. "
            "Correct the labels, or shift them to begin at 0."
        )
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    return int(np.flatnonzero(order == label)[0])
