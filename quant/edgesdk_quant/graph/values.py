"""Questions about one value of a graph, and new initializers."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.convenience import get_const_tensor


def node_named(graph: ir.Graph, name: str) -> ir.Node:
    """The node of that name, which must be there."""
    return next(node for node in graph if node.name == name)


def constant(value: ir.Value | None) -> NDArray[np.generic] | None:
    """Array held by an initializer or a `Constant` node, None for anything else.

    An initializer that is also a graph input can be overridden at run time, so it is no constant.
    """
    if value is None or value.is_graph_input():
        return None
    tensor = get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def scalar(value: ir.Value | None) -> float | None:
    """The number held by a constant of exactly one element, whatever its rank; else None."""
    array = constant(value)
    return None if array is None or array.size != 1 else float(array.reshape(()).astype(np.float64))


def consumers(value: ir.Value) -> list[ir.Node]:
    """Nodes that read the value, each once, in the order in which they were connected.

    A graph output is no node: ask `value.is_graph_output()` as well before rewriting a value.
    """
    return list(dict.fromkeys(usage.node for usage in value.uses()))


def value_shape(value: ir.Value | None) -> tuple[int | None, ...] | None:
    """Dimensions of a value, None for a symbolic one; None altogether if the rank is unknown."""
    if value is None or value.shape is None:
        return None
    return tuple(d if isinstance(d, int) else None for d in value.shape.dims)


def static_shape(value: ir.Value | None) -> tuple[int, ...] | None:
    """Dimensions of a value if all of them are numbers, else None."""
    shape = value_shape(value)
    if shape is None or None in shape:
        return None
    return tuple(d for d in shape if d is not None)


def new_initializer(
    graph: ir.Graph, name: str, array: NDArray[np.generic], taken: set[str] | None = None
) -> ir.Value:
    """Register an array as an initializer of the graph.

    Args:
        graph: graph that will own the initializer.
        name: wanted name; `_1`, `_2`... is appended while another value has it.
        array: any dtype that ONNX has, any shape; copied into C order.
        taken: as for `unique_name`.

    Returns:
        The initializer, with dtype, shape and `const_value` set.
    """
    name = unique_name(graph, name, taken)
    array = np.array(array, order="C")
    tensor = ir.tensor(array, name=name)
    shape, kind = ir.Shape(array.shape), ir.TensorType(tensor.dtype)
    value = ir.Value(name=name, shape=shape, type=kind, const_value=tensor)
    graph.register_initializer(value)
    return value


def unique_name(graph: ir.Graph, wanted: str, taken: set[str] | None = None) -> str:
    """The wanted name, or `wanted_1`, `wanted_2`... if a value of the graph already has it.

    Args:
        graph: whose names are taken.
        wanted: first choice.
        taken: `value_names` of the graph, for who names many values; the new name is added.
    """
    names = value_names(graph) if taken is None else taken
    name, count = wanted, 0
    while name in names:
        count += 1
        name = f"{wanted}_{count}"
    names.add(name)
    return name


def value_names(graph: ir.Graph) -> set[str]:
    """Names of all values of a graph and of those nested in it."""
    produced = {str(output.name) for node in graph.all_nodes() for output in node.outputs}
    return produced | {str(value.name) for value in graph.inputs} | set(graph.initializers)
