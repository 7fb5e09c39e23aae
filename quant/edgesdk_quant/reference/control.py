"""Variables and control flow: other subgraphs run when a value says so."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.reference.context import Context
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import ModelError


def _arguments(context: Context, first: int = 0) -> list[Array]:
    return [context.value(i) for i in range(first, len(context.operator.inputs))]


def if_(context: Context) -> list[Array]:
    """IF: input 0 chooses the subgraph, the other inputs are its arguments."""
    branch = "then_subgraph_index" if bool(context.value(0).item()) else "else_subgraph_index"
    return context.run_graph(context.integer(branch), _arguments(context, 1))


def while_(context: Context) -> list[Array]:
    """WHILE: what the body returns are its next arguments."""
    condition = context.integer("cond_subgraph_index")
    body = context.integer("body_subgraph_index")
    values = _arguments(context)
    while bool(context.run_graph(condition, values)[0].item()):
        values = context.run_graph(body, values)
    return values


def call_once(context: Context) -> list[Array]:
    """CALL_ONCE: run a subgraph in the first run only."""
    number = context.integer("init_subgraph_index")
    if number not in context.state.initialized:
        context.state.initialized.add(number)
        context.run_graph(number, [])
    return []


def var_handle(context: Context) -> list[Array]:
    """VAR_HANDLE: the name of a variable stands for it."""
    return [np.array(context.text("shared_name"), dtype=object)]


def read_variable(context: Context) -> list[Array]:
    """READ_VARIABLE.

    Raises:
        ModelError: nothing was assigned before.
    """
    name = str(context.value(0).item())
    if name not in context.state.resources:
        raise ModelError(f"variable {name!r} is read before it is assigned; the file is malformed")
    return [context.state.resources[name]]


def assign_variable(context: Context) -> list[Array]:
    """ASSIGN_VARIABLE."""
    context.state.resources[str(context.value(0).item())] = context.value(1)
    return []


OPERATORS = {
    "ASSIGN_VARIABLE": assign_variable,
    "CALL_ONCE": call_once,
    "IF": if_,
    "READ_VARIABLE": read_variable,
    "VAR_HANDLE": var_handle,
    "WHILE": while_,
}
