"""From what users give to a report: of a file, or of a model that was quantized just now."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from edgesdk.artifact import Artifact, read_artifact
from edgesdk.labels import Labels
from edgesdk.report.contents import FLOAT, WEIGHTS, Report
from edgesdk.report.gather import Known, gather
from edgesdk.report.search_points import SEARCHED_METRIC, points_of
from edgesdk.sources import float_model, labels_from, preprocess_of
from edgesdk_quant.data import CalibrationData, open_data
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.preprocess import Preprocess
from edgesdk_quant.progress import Progress
from edgesdk_runtimes.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from edgesdk.quantized import Quantized

PathText = str | os.PathLike[str]
# Where only calibration samples are at hand, so many of them are compared.
CALIBRATION_SAMPLES = 8


def report_artifact(
    artifact: PathText,
    reference: Any = None,
    data: Any = None,
    labels: Labels | PathText | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    preprocess: Preprocess | str | None = None,
    limit: int | None = None,
    known: Known | None = None,
    rounds: int = 5,
    progress: Progress | None = None,
) -> Report:
    """Report on a file; the arguments are those of `edgesdk.verify`.

    Args:
        artifact: .onnx or .tflite file; its sibling of the other kind is proved too.
        reference: the float model: an .onnx file or the `nn.Module`; None compares nothing.
        data: as `calibration` of `quantize`; None compares nothing.
        labels: CSV file; None looks for one folder a class in `data`.
        inputs: as in `quantize`, for a module that does not declare its inputs.
        preprocess: as in `quantize`; None takes what the artifact remembers.
        limit: use only the first samples; None uses all.
        known: what need not be measured again.
        rounds: turns of each runtime in the benchmark; 0 leaves it out.
        progress: told how far it is; None tells nobody.

    Raises:
        InputError: a path, the data or the labels are not usable.
        ModelError: a file is malformed, or artifact and float model do not go together.
    """
    if reference is None and (data is not None or labels is not None):
        raise InputError(
            "Data or labels were given without the float model, so there is nothing to compare "
            "with. Give the float model as reference."
        )
    steps = preprocess_of(preprocess, read_artifact(artifact))
    return gather(
        artifact,
        None if reference is None else float_model(reference, inputs),
        None if data is None else open_data(data, steps).limited(limit),
        None if data is None else labels_from(labels, data),
        known=known,
        rounds=rounds,
        progress=progress,
    )


def report_quantized(
    quantized: Quantized,
    data: Any = None,
    labels: Labels | PathText | None = None,
    *,
    reference: Any = None,
    preprocess: Preprocess | str | None = None,
    limit: int | None = None,
    known: Known | None = None,
    rounds: int = 5,
    progress: Progress | None = None,
) -> Report:
    """Report on a model in memory; see `Quantized.report`.

    What the model itself knows (its search, histograms, reasons) is added to `known`.
    """
    known, origin = _known(quantized, known or Known()), quantized.origin
    exact: Any = reference
    if exact is None and origin is not None:
        exact = Artifact("float model", "onnx", to_bytes(origin.graph))
    with TemporaryDirectory() as folder:
        path = _save(quantized, Path(folder))

        def made(samples: Any, classes: Labels | PathText | None, count: int | None) -> Report:
            return report_artifact(
                path,
                exact,
                samples,
                classes,
                preprocess=preprocess,
                limit=count,
                known=known,
                rounds=rounds,
                progress=progress,
            )

        if data is not None or origin is None or origin.data is None or known.verification:
            return made(data, labels, limit)
        known = replace(known, on_calibration=True)
        return _on_calibration(origin.data, limit or CALIBRATION_SAMPLES, made)


def _known(quantized: Quantized, given: Known) -> Known:
    origin, searched = quantized.origin, points_of(quantized.front)
    return replace(
        given,
        front=given.front or searched,
        metric=given.metric if given.front or not searched else SEARCHED_METRIC,
        histograms={} if origin is None else origin.histograms,
        reasons={d.node: d.reason for d in quantized.decisions if d.kind in (FLOAT, WEIGHTS)},
    )


def _on_calibration(data: CalibrationData, count: int, made: Any) -> Report:
    """Compare on calibration samples, which some sources give only once."""
    try:
        report: Report = made(data, None, count)
        note = (
            "The samples are those of calibration: give data and labels of your own for figures "
            "that mean more."
        )
    except InputError as error:
        report = made(None, None, None)
        note = f"The calibration samples cannot be read again, so nothing was compared: {error}"
    return replace(report, notes=(*report.notes, note))


def _save(quantized: Quantized, folder: Path) -> Path:
    """Both files, as far as TFLite can hold the model; the report names what it cannot."""
    path = folder / "model.onnx"
    quantized.save(path)
    with contextlib.suppress(UnsupportedError):
        quantized.save(path.with_suffix(".tflite"))
    return path
