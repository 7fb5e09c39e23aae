"""FULLY_CONNECTED and BATCH_MATMUL."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.reference.call import Call, Kernel
from edgesdk_quant.reference.linear import finish, operands
from edgesdk_runtimes.base import Array


def fully_connected(call: Call) -> Array:
    """FULLY_CONNECTED: x [..., K], weights [O, K], bias [O] -> [..., O] or [rows, O]."""
    depth = call.tensor(1).shape[1]
    x, weights = operands(call, 0, 1, depth)
    keep = call.number("keep_num_dims")
    rows = x if keep else x.reshape(-1, depth)
    return finish(call, rows @ weights.T, 0, 1, 2)


def batch_matmul(call: Call) -> Array:
    """BATCH_MATMUL: x [..., M, K], y [..., K, N] -> [..., M, N]; adj_x, adj_y transpose first."""
    depth = call.value(0).shape[-2 if call.number("adj_x") else -1]
    x, y = operands(call, 0, 1, depth)
    x = np.swapaxes(x, -1, -2) if call.number("adj_x") else x
    y = np.swapaxes(y, -1, -2) if call.number("adj_y") else y
    return finish(call, x @ y, 0, 1, 2)


KERNELS: dict[str, Kernel] = {"FULLY_CONNECTED": fully_connected, "BATCH_MATMUL": batch_matmul}
