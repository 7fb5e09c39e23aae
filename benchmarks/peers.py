"""The runtimes of the benchmark as one kind of thing: a function that runs a model once."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.zoo import ENTRY_OF, Files, files_of
from edgesdk.random_inputs import random_inputs
from edgesdk_runtimes import RUNTIMES
from edgesdk_runtimes.errors import EdgeError

Call = Callable[[], object]
PEERS = ("native", "litert", "ort", "ort dynamic", "openvino")


@dataclass(frozen=True)
class Refusal:
    """Why a peer does not take part."""

    reason: str


def open_peer(name: str, files: Files, threads: int) -> Call | Refusal:
    """Open a model in a runtime.

    Args:
        name: one of PEERS.
        files: the model.
        threads: for the runtime.
    """
    try:
        if name in ("native", "litert"):
            return _ours(name, files.tflite, threads)
        if files.onnx is None:
            return Refusal("needs an .onnx file")
        return _OPENERS[name](files.onnx, threads)
    except ImportError as error:
        return Refusal(f"not installed ({error.name}); pip install -e '.[bench]'")
    except (EdgeError, RuntimeError) as error:
        return Refusal(" ".join(str(error).split())[:200])


def _ours(name: str, path: Path, threads: int) -> Call:
    session = RUNTIMES[name].open(path.read_bytes(), threads=threads)
    arrays = random_inputs(session.inputs)
    return lambda: session.run(arrays)


def _ort(path: Path, threads: int) -> Call:
    """As ONNX Runtime comes: on AVX2 without VNNI its fast 8-bit kernels saturate."""
    ort = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    shapes = RUNTIMES["onnxruntime"].open(path.read_bytes()).inputs
    feed = dict(zip([s.name for s in shapes], random_inputs(shapes), strict=True))
    return lambda: session.run(None, feed)


def _ort_dynamic(path: Path, threads: int) -> Call:
    """The float model with int8 weights and activations quantized at run time."""
    if not path.stem.startswith("minilm"):
        raise RuntimeError("of interest for MiniLM only")
    quantization = importlib.import_module("onnxruntime.quantization")
    source = files_of(ENTRY_OF["minilm_f32"]).onnx
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "dynamic.onnx"
        quantization.quantize_dynamic(source, target)
        return _ort(target, threads)


def _openvino(path: Path, threads: int) -> Call:
    openvino: Any = importlib.import_module("openvino")
    core = openvino.Core()
    model = core.read_model(path)
    shapes = RUNTIMES["onnxruntime"].open(path.read_bytes()).inputs
    arrays = random_inputs(shapes)
    model.reshape({spec.name: list(a.shape) for spec, a in zip(shapes, arrays, strict=True)})
    config = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    request = core.compile_model(model, "CPU", config).create_infer_request()
    feed = dict(zip([s.name for s in shapes], arrays, strict=True))
    return lambda: request.infer(feed)


_OPENERS: dict[str, Callable[[Path, int], Call]] = {
    "ort": _ort,
    "ort dynamic": _ort_dynamic,
    "openvino": _openvino,
}
