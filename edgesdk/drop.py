"""How far a quantized model drops below the float one, on a real runtime and the same samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgesdk_runtimes.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgesdk.labels import Labels
    from edgesdk.quantized import Quantized
    from edgesdk_quant.data import CalibrationData
    from edgesdk_quant.progress import Progress
    from edgesdk_runtimes.base import Session


@dataclass(frozen=True)
class Drop:
    """What was measured.

    Attributes:
        runtime: where.
        score: top-1 in percent; without labels percent of the answers that are the float model's.
        points: how much that is below the float model's.
        size_bytes: of the file that ran.
    """

    runtime: str
    score: float
    points: float
    size_bytes: int


@dataclass(frozen=True)
class _Answer:
    """The best class of one sample; its name and place lead to its label."""

    name: str
    place: int
    best: int
    digest: bytes


class DropMeter:
    """The float model's answers, to compare others with."""

    def __init__(
        self,
        graph: ir.Model,
        data: CalibrationData,
        labels: Labels | None,
        progress: Progress,
    ) -> None:
        """Run the float model.

        Args:
            graph: the float model in normal form.
            data: samples to compare on.
            labels: their classes; None compares answers.
            progress: told how far it is.

        Raises:
            InputError: the data is not usable, or has no label at all.
        """
        from edgesdk_quant.fingerprint import fingerprint
        from edgesdk_quant.graph import to_bytes

        self._data, self._labels = data, labels
        floats = to_bytes(graph)
        self._answers = self._answer(_open(floats, "onnx", "onnxruntime"), progress)
        self.score = None if labels is None else self._top1(self._answers)
        self.key = fingerprint(
            [floats, *(f"{a.digest.hex()} {a.best} {self._label(a)}" for a in self._answers)]
        )

    def measure(self, made: Quantized, runtime: str, progress: Progress) -> Drop:
        """Run a quantized model.

        Args:
            made: the model.
            runtime: "native" or "onnxruntime"; "" is native where the model can be lowered.
            progress: told how far it is.
        """
        session, used, size = _open_quantized(made, runtime)
        found = self._answer(session, progress)
        if self.score is not None:
            score = self._top1(found)
            return Drop(used, score, self.score - score, size)
        same = [a.best == b.best for a, b in zip(found, self._answers, strict=True)]
        score = 100 * float(np.mean(same))
        return Drop(used, score, 100 - score, size)

    def _answer(self, session: Session, progress: Progress) -> list[_Answer]:
        from edgesdk.batching import run_batched
        from edgesdk_quant.data import sample_digest

        progress.start("measuring", self._data.count or None, "samples")
        answers = []
        try:
            for place, sample in enumerate(self._data.samples(session.inputs)):
                best = int(run_batched(session, sample.arrays)[0].argmax())
                answers.append(_Answer(sample.name, place, best, sample_digest(sample.arrays)))
                progress.advance()
        finally:
            session.close()
        progress.finish()
        if not answers:
            raise InputError(
                f"{self._data.description} holds no sample to measure a drop on; give some."
            )
        return answers

    def _label(self, answer: _Answer) -> int | None:
        return None if self._labels is None else self._labels.of(answer.name, answer.place)

    def _top1(self, answers: list[_Answer]) -> float:
        pairs = [(self._label(answer), answer.best) for answer in answers]
        right = [label == best for label, best in pairs if label is not None]
        if not right:
            raise InputError(
                f"None of the {len(answers)} samples of {self._data.description} has a label; the "
                "labels must name the files, or be one a line in their order."
            )
        return 100 * float(np.mean(right))


def _open(data: bytes, kind: str, runtime: str) -> Session:
    from edgesdk.artifact import Artifact
    from edgesdk.sessions import open_session

    return open_session(Artifact("model", kind, data), runtime).session


def _open_quantized(made: Quantized, runtime: str) -> tuple[Session, str, int]:
    """Native, through the lowering, or ONNX Runtime for what TFLite cannot hold."""
    data = made.to_bytes("onnx")
    if runtime != "onnxruntime":
        try:
            return _open(data, "onnx", "native"), "native", len(made.to_bytes("tflite"))
        except UnsupportedError:
            if runtime:
                raise
    return _open(data, "onnx", "onnxruntime"), "onnxruntime", len(data)
