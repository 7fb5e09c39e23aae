"""Values inside the float model, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import onnx_ir as ir

from edgesdk_quant.graph import to_bytes
from edgesdk_runtimes.base import Array, Session
from edgesdk_runtimes.errors import UnsupportedError
from edgesdk_runtimes.onnxruntime import OnnxRuntime


class FloatValues:
    """A float graph with some of its inner values as outputs."""

    def __init__(self, graph: ir.Model, wanted: Iterable[str]) -> None:
        """Open the graph with those of the wanted values that it has.

        Raises:
            UnsupportedError: it has none of them.
        """
        exposed = graph.clone()
        produced = {v.name: v for node in exposed.graph for v in node.outputs if v.name}
        self.names = tuple(sorted(produced.keys() & set(wanted)))
        if not self.names:
            raise UnsupportedError(
                "no tensor of the artifact carries the name of a value of the float model, as "
                "files of other converters; only the outputs can be compared."
            )
        exposed.graph.outputs.clear()
        exposed.graph.outputs.extend(produced[name] for name in self.names)
        self._session: Session = OnnxRuntime().open(to_bytes(exposed))

    def __call__(self, arrays: Sequence[Array]) -> Mapping[str, Array]:
        """Run once and give each value by its name, in the graph's layout."""
        return dict(zip(self.names, self._session.run(arrays), strict=True))

    def close(self) -> None:
        """Give back all memory."""
        self._session.close()
