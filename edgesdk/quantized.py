"""A quantized model: save it in either kind, and say what was quantized and what was not."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgesdk.files import write_atomically
from edgesdk_runtimes.errors import InputError

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgesdk.benchmark import Benchmark
    from edgesdk.labels import Labels
    from edgesdk.report import Report
    from edgesdk.report.contents import SearchPoint
    from edgesdk.training import TrainableGraph
    from edgesdk.verification import Verification
    from edgesdk_quant.bit_allocation import Configuration, Searched
    from edgesdk_quant.calibration import Histogram
    from edgesdk_quant.data import CalibrationData
    from edgesdk_quant.pipeline import Decision
    from edgesdk_quant.preprocess import Preprocess
    from edgesdk_quant.progress import Progress


@dataclass(frozen=True)
class Origin:
    """What a quantized model was made from, and what was seen on the way.

    Attributes:
        graph: the float graph.
        data: calibration samples; None for a recipe that needs none.
        histograms: value name -> counts of what it was on those samples.
        searched: what the search of its widths found; None without a search.
    """

    graph: ir.Model
    data: CalibrationData | None
    histograms: Mapping[str, Histogram]
    searched: Searched | None = None


@dataclass(frozen=True)
class Quantized:
    """A quantized graph, ready to be saved.

    Attributes:
        model: the graph with Q/DQ nodes (docs/ARCHITECTURE.md).
        decisions: for each node of the float graph, what it became and why; empty for a model that
            was quantized before.
        origin: what it was made from; None for a model that was quantized before.
    """

    model: ir.Model
    decisions: Sequence[Decision] = ()
    origin: Origin | None = None

    def to_bytes(self, kind: str) -> bytes:
        """The file of a kind, "onnx" or "tflite"; the same model gives the same bytes.

        Raises:
            InputError: another kind.
            UnsupportedError: TFLite lacks operators or shapes of the model; all are named.
        """
        if kind == "onnx":
            from edgesdk.export.onnx import write_onnx

            return write_onnx(self.model)
        if kind == "tflite":
            from edgesdk.export.tflite import lower
            from edgesdk_quant.tflite.writer import write_model

            return write_model(lower(self.model))
        raise InputError(f"'.{kind}' was given; a model is saved as .onnx or .tflite.")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .onnx or .tflite file, as the name ends.

        Raises:
            InputError: the name ends otherwise.
            UnsupportedError: TFLite lacks operators or shapes of the model; all are named.
            OutputError: the file cannot be written; what was there before is unharmed.
        """
        target = Path(path)
        write_atomically(target, self.to_bytes(target.suffix.removeprefix(".")))

    def report(
        self,
        path: str | os.PathLike[str] | None = None,
        data: Any = None,
        labels: Labels | str | os.PathLike[str] | None = None,
        *,
        reference: Any = None,
        preprocess: Preprocess | str | None = None,
        limit: int | None = None,
        verification: Verification | None = None,
        benchmark: Benchmark | None = None,
        front: Sequence[SearchPoint] = (),
        metric: str = "metric",
        rounds: int = 5,
        progress: Progress | None = None,
    ) -> Report:
        """Gather everything that is known about the model, and write it as one page.

        Args:
            path: .html for the page, .json for its data; None writes nothing.
            data: samples to compare on; None takes the first calibration samples.
            labels: CSV file; None looks for one folder a class in `data`.
            reference: the float model; None takes the one that this was made from.
            preprocess: as in `quantize`; None takes what the model remembers.
            limit: use only the first samples; None uses all (8 of calibration).
            verification: of `edgesdk.verify`, to show that one instead of a new one.
            benchmark: of `edgesdk.bench`, likewise.
            front: what a search evaluated: name, size_bytes, metric, latency_ms, chosen; empty
                takes what the model's own search did.
            metric: what the points' metric is, e.g. "top-1 %"; the higher, the better.
            rounds: turns of each runtime in the benchmark; 0 leaves it out.
            progress: told how far it is; None tells nobody.

        Raises:
            InputError: the name ends otherwise, or the data or labels are not usable.
            OutputError: the file cannot be written; what was there before is unharmed.
        """
        from edgesdk.report import report_quantized, write_report
        from edgesdk.report.file import check_target
        from edgesdk.report.gather import Known

        if path is not None:
            check_target(path)
        made = report_quantized(
            self,
            data,
            labels,
            reference=reference,
            preprocess=preprocess,
            limit=limit,
            known=Known(verification, benchmark, front, metric),
            rounds=rounds,
            progress=progress,
        )
        if path is not None:
            write_report(made, path)
        return made

    def trainable(self) -> TrainableGraph:
        """The model as an ordinary `nn.Module`, for a training loop of one's own.

        Its forward pass has the bits of the runtimes; `learnt` takes back what it has learnt.

        Raises:
            UnsupportedError: it holds operators that no gradient passes; names all of them.
        """
        from edgesdk.training import TrainableGraph

        return TrainableGraph(self.model)

    def learnt(self, module: TrainableGraph) -> Quantized:
        """This model with what a module of `trainable()` has learnt."""
        return replace(self, model=module.settled())

    def counts(self) -> dict[str, int]:
        """How many nodes became "int8", "int16", "weights" (alone) or stayed "float"."""
        found: dict[str, int] = {}
        for decision in self.decisions:
            found[decision.kind] = found.get(decision.kind, 0) + 1
        return found

    @property
    def front(self) -> tuple[Configuration, ...]:
        """The Pareto front of the search, from the cheapest on; empty without a search."""
        searched = None if self.origin is None else self.origin.searched
        return () if searched is None else searched.front

    def reasons(self) -> dict[str, list[str]]:
        """Why nodes stayed float: reason -> names of the nodes."""
        found: dict[str, list[str]] = {}
        for decision in self.decisions:
            if decision.kind == "float":
                found.setdefault(decision.reason, []).append(decision.node)
        return found

    def report_text(self) -> str:
        """What was quantized and what stayed float, with the reason, in a few lines."""
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts().items()))
        lines = [f"Nodes: {counts or 'quantized before'}."]
        for reason, nodes in self.reasons().items():
            shown = ", ".join(nodes[:5]) + (", ..." if len(nodes) > 5 else "")
            lines.append(f"Float because {reason or 'it has no integer form'}: {shown}.")
        wider: dict[str, list[str]] = {}
        for decision in self.decisions:
            if decision.kind != "float" and decision.reason.startswith(("target ", "blocks of ")):
                wider.setdefault(decision.reason, []).append(decision.node)
        lines += [f"Wider because {why}: {', '.join(nodes[:5])}." for why, nodes in wider.items()]
        return "\n".join([*lines, *self._without_data()])

    def _without_data(self) -> list[str]:
        """That the recipe would do more with calibration data."""
        from edgesdk_quant.recipe import Recipe

        text = self.model.metadata_props.get("edgesdk.recipe")
        if text is None or self.origin is None or self.origin.data is not None:
            return []
        if not Recipe.parse(text).algorithms.optional:
            return []
        return [
            "Rounded to nearest, without calibration data; given some (calibration=..., 64 samples "
            "are usual), the recipe chooses the rounding by the layers' outputs."
        ]
