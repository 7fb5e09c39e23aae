"""Run a .tflite model on the native library and on LiteRT, and compare what comes out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgesdk_runtimes.base import Array
from edgesdk_runtimes.native import NativeRuntime, NativeSession

LARGEST_SEED = 6000


def opened(model: bytes, **options: Any) -> NativeSession:
    """A session of the native library; skips the test where it is not built."""
    runtime = NativeRuntime()
    status = runtime.probe()
    if not status.available:
        pytest.skip(status.detail)
    _keep(model)
    return runtime.open(model, **options)


def native(
    model: bytes, arrays: Sequence[Array], *, threads: int = 1, kernels: str = ""
) -> list[Array]:
    """Outputs of the native library; skips the test where it is not built."""
    session = opened(model, threads=threads, kernels=kernels)
    try:
        return session.run(arrays)
    finally:
        session.close()


def _keep(model: bytes) -> None:
    """Where EDGERT_KEEP_MODELS names a folder, small models go there: seeds for the fuzzer."""
    folder = os.environ.get("EDGERT_KEEP_MODELS")
    if folder and len(model) <= LARGEST_SEED:
        Path(folder, hashlib.sha256(model).hexdigest()[:16]).write_bytes(model)


def litert(model: bytes, arrays: Sequence[Array], *, reference: bool = False) -> list[Array]:
    """Outputs of LiteRT: of its default kernels, or of its slow reference kernels."""
    resolver = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    interpreter = Interpreter(
        model_content=model, num_threads=1, experimental_op_resolver_type=resolver
    )
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    outputs = interpreter.get_output_details()
    return [np.array(interpreter.get_tensor(detail["index"])) for detail in outputs]


def random_inputs(model: bytes, rng: np.random.Generator) -> list[Array]:
    """One array for each input of the model: all stored integers, or floats in [-1, 1)."""
    interpreter = Interpreter(model_content=model, num_threads=1)
    return [random_array(d["shape"], d["dtype"], rng) for d in interpreter.get_input_details()]


def random_array(shape: Any, dtype: Any, rng: np.random.Generator) -> Array:
    """All values that an integer type has, or floats in [-1, 1)."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return np.asarray(rng.uniform(-1, 1, shape), kind)
    limits = np.iinfo(kind)
    low, high = (0, 4) if kind.itemsize > 2 else (limits.min, limits.max + 1)
    return np.asarray(rng.integers(low, high, shape), kind)


def largest_difference(ours: Array, theirs: Array) -> int:
    """Largest difference of two integer arrays, in units of the last place."""
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    return int(np.abs(ours.astype(np.int64) - theirs.astype(np.int64)).max(initial=0))
