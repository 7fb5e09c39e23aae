"""Exact bit allocation: an integer linear program, solved by HiGHS.

Yao et al. 2021, "HAWQ-V3: Dyadic Neural Network Quantization", equation 8: the sum of the layers'
damages is least under a limit on the sum of their costs, one choice for each layer.
"""

from __future__ import annotations

import numpy as np

from edgesdk_quant.search.choices import Allocation, Table, allocation, refuse_impossible
from edgesdk_quant.search.quiet import quiet_stdout
from edgesdk_runtimes.errors import RecipeError


def allocate_exactly(table: Table, budget: float, unit: str) -> Allocation:
    """The allocation of least damage.

    Args:
        table: what to choose from.
        budget: most that the costs may add up to.
        unit: of the costs, for errors.

    Raises:
        RecipeError: the budget is impossible, or the solver gave up.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    refuse_impossible(table, budget, unit)
    rows = [(node, choice) for node, choices in table.items() for choice in choices]
    damage = np.array([choice.damage for _, choice in rows])
    cost = np.array([choice.cost for _, choice in rows])
    nodes = list(table)
    each = np.zeros((len(nodes), len(rows)))
    for column, (node, _) in enumerate(rows):
        each[nodes.index(node), column] = 1
    # HiGHS has absolute tolerances; both rows are brought near 1.
    with quiet_stdout():  # HiGHS of some SciPy versions prints lines of debugging
        solved = milp(
            damage / max(damage.max(initial=0.0), 1e-30),
            integrality=np.ones(len(rows)),
            bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(each, 1, 1),
                LinearConstraint(cost[None, :] / max(budget, 1e-30), -np.inf, 1),
            ],
            options={"mip_rel_gap": 1e-6},
        )
    if solved.x is None:
        raise RecipeError(
            f"The bit allocation was not solved ({solved.message}); use the method greedy."
        )
    chosen = {node: choice for (node, choice), x in zip(rows, solved.x, strict=True) if x > 0.5}
    return allocation(table, chosen)
