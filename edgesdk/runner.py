"""Run a model file on arrays."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

import numpy as np

from edgesdk.artifact import Artifact, Source, read_artifact
from edgesdk.batching import run_batched
from edgesdk.sessions import open_session
from edgesdk_runtimes.base import Array, TensorSpec
from edgesdk_runtimes.errors import InputError


class Runner:
    """A model file, ready to run on arrays in the layout of the file.

    Examples:
        >>> runner = edgesdk.Runner("model.tflite", threads=2)  # doctest: +SKIP
        >>> scores = runner(pixels)  # doctest: +SKIP

    Attributes:
        runtime: name of the runtime that runs it.
        inputs: what it takes.
        outputs: what it gives.
    """

    def __init__(
        self, model: Source | Artifact, runtime: str = "auto", *, threads: int = 1
    ) -> None:
        """Open a model.

        Args:
            model: path or bytes of a .onnx or .tflite file.
            runtime: "auto", or a name that `edgesdk doctor` lists. "auto" takes native for .tflite
                and onnxruntime for .onnx, and falls back with a warning. A .onnx file runs on a
                runtime of .tflite files through the lowering in memory.
            threads: 1 to 64.

        Raises:
            InputError: the path, runtime or thread count is wrong.
            ModelError: the runtime refuses the model.
            RuntimeMissingError: the runtime is not installed.
        """
        opened = open_session(read_artifact(model), runtime, threads=threads)
        self.runtime = opened.runtime
        self._session = opened.session
        self.inputs: tuple[TensorSpec, ...] = opened.session.inputs
        self.outputs: tuple[TensorSpec, ...] = opened.session.outputs

    def __call__(self, *arrays: Array | Mapping[str, Array]) -> Array | tuple[Array, ...]:
        """Run the model.

        Args:
            arrays: one array for each input in their order, or one dict by input name. Dimension 0
                may differ from the file's fixed batch: the file is then run several times.

        Returns:
            The output array; a tuple in the order of `outputs` where there are several.

        Raises:
            InputError: an array is missing, unknown, or of a wrong dtype or shape.
        """
        outputs = run_batched(self._session, self._in_order(arrays))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _in_order(self, given: tuple[Array | Mapping[str, Array], ...]) -> list[Array]:
        if len(given) == 1 and isinstance(given[0], Mapping):
            return self._by_name(given[0])
        return [np.asarray(array) for array in given]

    def _by_name(self, given: Mapping[str, Array]) -> list[Array]:
        names = [spec.name for spec in self.inputs]
        if set(given) != set(names):
            raise InputError(
                f"Arrays were given for {sorted(given)}; the inputs are {sorted(names)}. "
                "Give one array for each input."
            )
        return [np.asarray(given[name]) for name in names]

    def close(self) -> None:
        """Give back all memory; a second call does nothing."""
        self._session.close()

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
