"""Run a model file on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType

import numpy as np

from edgesdk.artifact import Artifact, Source, read_artifact
from edgesdk.batching import run_batched
from edgesdk.sessions import Opened, open_session
from edgesdk.sources import open_as_source, source_inputs
from edgesdk_runtimes.base import Array, TensorSpec
from edgesdk_runtimes.errors import InputError
from edgesdk_runtimes.fit import shape_fits


def _as_file(artifact: Artifact, runtime: str, threads: int) -> Opened:
    return open_session(artifact, runtime, threads=threads)


LAYOUTS: Mapping[str, Callable[[Artifact, str, int], Opened]] = {
    "file": _as_file,
    "source": open_as_source,
}


class Runner:
    """A model file, ready to run on arrays.

    Examples:
        >>> runner = edgesdk.Runner("model.tflite", threads=2)  # doctest: +SKIP
        >>> scores = runner(pixels)  # doctest: +SKIP

    Attributes:
        runtime: name of the runtime that runs it.
        inputs: what it takes.
        outputs: what it gives.
    """

    def __init__(
        self,
        model: Source | Artifact,
        runtime: str = "auto",
        *,
        threads: int = 1,
        layout: str = "file",
    ) -> None:
        """Open a model.

        Args:
            model: path or bytes of a .onnx or .tflite file.
            runtime: "auto", or a name that `edgesdk doctor` lists. "auto" takes native for .tflite
                and onnxruntime for .onnx, and falls back with a warning. A .onnx file runs on a
                runtime of .tflite files through the lowering in memory.
            threads: 1 to 64.
            layout: "file" takes and gives arrays as the file declares them (.tflite: NHWC);
                "source" takes and gives real numbers in the order of dimensions of the model that
                the file was made from (PyTorch, ONNX: NCHW).

        Raises:
            InputError: the path, runtime, layout or thread count is wrong.
            ModelError: the runtime refuses the model.
            RuntimeMissingError: the runtime is not installed.
        """
        if layout not in LAYOUTS:
            raise InputError(f"layout={layout!r} was given; choose one of: {', '.join(LAYOUTS)}.")
        self._artifact, self._layout = read_artifact(model), layout
        opened = LAYOUTS[layout](self._artifact, runtime, threads)
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
        given = self._in_order(arrays)
        try:
            outputs = run_batched(self._session, given)
        except InputError as error:
            raise InputError(f"{error}{self._hint(given)}") from error
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _hint(self, arrays: Sequence[Array]) -> str:
        """What to do with arrays that fit the source model's order of dimensions."""
        if self._layout == "source" or self._artifact.format != "tflite":
            return ""
        specs = source_inputs(self._artifact, self.inputs)
        fit = len(specs) == len(arrays) and all(
            shape_fits(a.shape[1:], replace(s, shape=s.shape[1:]))
            for s, a in zip(specs, arrays, strict=True)
        )
        return " They fit the source model: use layout='source' (--layout source)." if fit else ""

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
