"""The verbs: quantize, load, verify, evaluate, bench, inspect, trace. So has the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgesdk.artifact import Artifact, Source, naming, read_artifact
from edgesdk.benchmark import compare_runtimes as bench
from edgesdk.inspection import inspect_model as inspect
from edgesdk.quantized import Origin, Quantized
from edgesdk_runtimes.errors import InputError

if TYPE_CHECKING:
    from edgesdk.evaluation import Evaluation
    from edgesdk.labels import Labels
    from edgesdk.report import Report
    from edgesdk.verification import Border, Verification
    from edgesdk_quant.preprocess import Preprocess
    from edgesdk_quant.progress import Progress
    from edgesdk_quant.recipe import Recipe
    from edgesdk_quant.search.latency import Clock

__all__ = ["Quantized", "bench", "evaluate", "inspect", "load", "quantize", "trace", "verify"]

PathText = str | os.PathLike[str]


def quantize(
    model: Any,
    calibration: Any = None,
    recipe: str | PathText | Recipe = "w8a8",
    target: PathText = "generic",
    *,
    budget: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    preprocess: Preprocess | str | None = None,
    limit: int | None = None,
    workdir: PathText | None = None,
    progress: Progress | None = None,
) -> Quantized:
    """Quantize a trained model.

    Args:
        model: an `nn.Module`, or an .onnx file (path or bytes). A file that holds Q/DQ nodes
            already is taken as it is.
        calibration: a folder of images, an .npy or .npz file, an array [N, ...], or any iterable
            of arrays; weight-only recipes need none.
        recipe: name ("w8a8", "w4a8", "mixed", "w4", "w8", "w8-dynamic", "w8a16") or .toml file.
        target: name ("generic", "raspberrypi4", ...) or .toml file of the device.
        budget: which layers get 4 bits and which 8 is searched so that the weights take no more
            than "0.13" (of their float size) or "2.4MB", or an inference on the target no more than
            "12ms" or "0.9latency" (of the one with 8-bit weights); None: as the recipe says.
        inputs: name -> shape, for a module that does not declare its inputs.
        preprocess: how images become arrays, e.g. "crop=224,mean=127,std=128"; remembered in
            the artifact.
        limit: use only the first samples; None uses all.
        workdir: folder that keeps the state of calibration, so that a stopped run goes on.
        progress: told how far it is; None tells nobody.

    Raises:
        InputError: the model, data or inputs are not usable.
        ModelError: the model is malformed, or nothing in it can be quantized.
        RecipeError: recipe or target is wrong.
    """
    from edgesdk.capture import capture
    from edgesdk.sources import PREPROCESS, preprocess_of
    from edgesdk_quant.data import open_data
    from edgesdk_quant.graph import is_quantized
    from edgesdk_quant.pipeline import quantize as quantize_graph
    from edgesdk_quant.progress import Silent
    from edgesdk_quant.recipe import Recipe
    from edgesdk_targets import load as load_target

    steps = preprocess_of(preprocess, None)
    rules = recipe if isinstance(recipe, Recipe) else Recipe.load(os.fspath(recipe))
    rules = rules if budget is None else rules.with_budget(budget)
    device = load_target(os.fspath(target))
    data = None if calibration is None else open_data(calibration, steps).limited(limit)
    graph = capture(model, inputs)
    if is_quantized(graph):
        return Quantized(graph)
    done = quantize_graph(
        graph,
        data,
        rules,
        device,
        progress=progress or Silent(),
        workdir=None if workdir is None else Path(workdir),
        clock=_clock(rules, target),
    )
    if steps is not None:
        done.model.metadata_props[PREPROCESS] = steps.to_json()
    origin = Origin(graph, data, done.histograms, done.searched)
    return Quantized(done.model, done.decisions, origin)


def _clock(recipe: Recipe, target: PathText) -> Clock | None:
    """What measures layers, where the recipe's budget is of latency."""
    from edgesdk_quant.search.budget import MILLISECONDS, UNITS

    if recipe.search is None or UNITS[recipe.search.unit].cost != MILLISECONDS:
        return None
    from edgesdk.clock import clock_for

    return clock_for(target)


def load(path: PathText | bytes) -> Quantized:
    """Read a quantized .onnx file, of ours or of another tool, to save it as .tflite.

    Raises:
        InputError: no such file, or a float or .tflite file.
        ModelError: it is malformed.
    """
    from edgesdk.capture import capture
    from edgesdk_quant.graph import is_quantized

    artifact = read_artifact(path)
    if artifact.format != "onnx":
        raise InputError(
            f"{artifact.name} is a .{artifact.format} file, which has no way back to a graph. "
            "Load the .onnx file; edgesdk.Runner runs this one."
        )
    with naming(artifact):
        graph = capture(artifact.data)
    if not is_quantized(graph):
        raise InputError(f"{artifact.name} is a float model. Use edgesdk.quantize.")
    return Quantized(graph)


def verify(
    artifact: PathText,
    reference: Any,
    data: Any,
    labels: Labels | PathText | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    preprocess: Preprocess | str | None = None,
    limit: int | None = None,
    runtimes: Sequence[str] | None = None,
    border: Border | None = None,
    layers: int = 5,
    threads: int = 1,
    progress: Progress | None = None,
) -> Verification:
    """Prove an artifact: float, simulation and each real runtime on the same real data.

    Args:
        artifact: .onnx or .tflite file; its sibling of the other kind is verified too.
        reference: the float model: an .onnx file or the `nn.Module`.
        data: as `calibration` of `quantize`.
        labels: CSV file; None looks for one folder a class in `data`.
        inputs: as in `quantize`, for a module that does not declare its inputs.
        preprocess: as in `quantize`; None takes what the artifact remembers.
        limit: use only the first samples; None uses all.
        runtimes: names; None takes all that are installed.
        border: least figures that make `Verification.passed`.
        layers: how many of the worst layers are named.
        threads: for each runtime.
        progress: told how far it is; None tells nobody.

    Raises:
        InputError: a path, the data or the labels are not usable.
        ModelError: a file is malformed, or artifact and float model do not go together.
    """
    from edgesdk.sources import float_model, labels_from, preprocess_of
    from edgesdk.verification import verify_artifact
    from edgesdk_quant.data import open_data

    steps = preprocess_of(preprocess, read_artifact(artifact))
    return verify_artifact(
        artifact,
        float_model(reference, inputs),
        open_data(data, steps).limited(limit),
        labels_from(labels, data),
        runtimes=runtimes,
        border=border,
        layers=layers,
        threads=threads,
        progress=progress,
    )


def evaluate(
    model: Source | Artifact,
    data: Any,
    labels: Labels | PathText | None = None,
    *,
    runtime: str = "auto",
    preprocess: Preprocess | str | None = None,
    limit: int | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure how often a classifier is right.

    Args:
        model: path or bytes of a .onnx or .tflite file.
        data: as `calibration` of `quantize`.
        labels: CSV file; None looks for one folder a class in `data`.
        runtime: as for `Runner`.
        preprocess: as in `quantize`; None takes what the file remembers.
        limit: use only the first samples; None uses all.
        threads: for the runtime.
        progress: told how far it is; None tells nobody.

    Raises:
        InputError: the data has no labels, or does not fit.
        ModelError: the file is malformed or no classifier.
    """
    from edgesdk.evaluation import Evaluation, evaluate_session
    from edgesdk.sources import labels_needed, open_as_source, preprocess_of
    from edgesdk_quant.data import open_data

    artifact = read_artifact(model)
    samples = open_data(data, preprocess_of(preprocess, artifact)).limited(limit)
    classes = labels_needed(labels, data)
    opened = open_as_source(artifact, runtime, threads)
    try:
        accuracy = evaluate_session(opened.session, samples, classes, progress)
    finally:
        opened.session.close()
    return Evaluation(artifact.name, opened.runtime, accuracy)


def trace(
    model: Any, path: PathText | None = None, *, inputs: Mapping[str, Any] | None = None
) -> Report:
    """Look at the graph of any model, without running or quantizing it.

    Args:
        model: path or bytes of an .onnx or .tflite file, or an `nn.Module`.
        path: .html for a page, .json for its data; None writes nothing.
        inputs: as in `quantize`, for a module that does not declare its inputs.

    Raises:
        InputError: the model or the name of the file is not usable.
        ModelError: the model is malformed, or cannot be captured.
        OutputError: the file cannot be written; what was there before is unharmed.
    """
    from edgesdk.report import trace_model, write_report
    from edgesdk.report.file import check_target

    if path is not None:
        check_target(path)
    report = trace_model(model, inputs)
    if path is not None:
        write_report(report, path)
    return report
