"""Whether every value that a node reads exists: a graph's own, or one of the graph around it."""

from __future__ import annotations

from collections.abc import Iterator

import onnx


def missing_values(graph: onnx.GraphProto, outer: frozenset[str] = frozenset()) -> Iterator[str]:
    """Names that nodes or outputs read and that nothing gives, e.g. `x of node 'conv'`.

    Args:
        graph: of a file, in any order of nodes.
        outer: names that a nested graph sees from outside.
    """
    known = outer | {value.name for value in graph.input}
    known |= {tensor.name for tensor in graph.initializer}
    known |= {tensor.values.name for tensor in graph.sparse_initializer}
    known |= {name for node in graph.node for name in node.output}
    for node in graph.node:
        absent = [name for name in node.input if name and name not in known]
        yield from (f"{name} of node '{node.name}'" for name in absent)
        for attribute in node.attribute:
            for nested in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from missing_values(nested, known)
    yield from (f"output {value.name}" for value in graph.output if value.name not in known)
