"""Variables and control flow: other subgraphs, run when a value says so."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.reference.call import Call, Kernel
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import ModelError


def if_(call: Call) -> tuple[Array, ...]:
    """IF: input 0 is the condition, the others are the arguments."""
    branch = "then_subgraph_index" if bool(call.value(0).item()) else "else_subgraph_index"
    return tuple(call.run_subgraph(call.number(branch), _arguments(call, 1)))


def while_(call: Call) -> tuple[Array, ...]:
    """WHILE: the body's results are its next arguments."""
    condition, body = call.number("cond_subgraph_index"), call.number("body_subgraph_index")
    values = _arguments(call, 0)
    while bool(call.run_subgraph(condition, values)[0].item()):
        values = call.run_subgraph(body, values)
    return tuple(values)


def _arguments(call: Call, first: int) -> list[Array]:
    return [call.value(i) for i in range(first, len(call.values))]


def call_once(call: Call) -> tuple[Array, ...]:
    """CALL_ONCE: run a subgraph the first time only."""
    number = call.number("init_subgraph_index")
    if number not in call.state.initialized:
        call.state.initialized.add(number)
        call.run_subgraph(number, [])
    return ()


def var_handle(call: Call) -> Array:
    """VAR_HANDLE: the variable's name stands for it."""
    return np.array(str(call.option("shared_name")), dtype=object)


def read_variable(call: Call) -> Array:
    """READ_VARIABLE.

    Raises:
        ModelError: nothing was assigned before.
    """
    name = str(call.value(0).item())
    if name not in call.state.resources:
        raise ModelError(f"variable {name!r} is read before it is assigned")
    return call.state.resources[name]


def assign_variable(call: Call) -> tuple[Array, ...]:
    """ASSIGN_VARIABLE."""
    call.state.resources[str(call.value(0).item())] = np.array(call.value(1))
    return ()


KERNELS: dict[str, Kernel] = {
    "IF": if_,
    "WHILE": while_,
    "CALL_ONCE": call_once,
    "VAR_HANDLE": var_handle,
    "READ_VARIABLE": read_variable,
    "ASSIGN_VARIABLE": assign_variable,
}
