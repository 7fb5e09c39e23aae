"""Apply the rules until none fits any more; a model that needs none is returned as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import onnx_ir as ir

from edgesdk.export.legalization import (
    activations,
    arcs,
    channel_order,
    grid_sample,
    integers,
    linear,
    loops,
    movement,
    normalization,
    pools,
    quantizers,
    quotients,
    recurrent,
    scattering,
    selection,
    spectra,
)
from edgesdk.export.legalization.composer import Composer
from edgesdk.export.legalization.doubles import narrow_doubles
from edgesdk_quant.graph.folding import fold_constants
from edgesdk_quant.graph.functions import expand_functions
from edgesdk_quant.graph.identity import remove_identities
from edgesdk_quant.graph.naming import name_nodes
from edgesdk_quant.graph.shapes import infer_shapes
from edgesdk_runtimes.errors import UnsupportedError

# Rewrites the node with the composer, or returns False and leaves everything alone.
Rule = Callable[[Composer, ir.Node], bool]
FAMILIES = (
    activations,
    arcs,
    channel_order,
    grid_sample,
    integers,
    linear,
    loops,
    movement,
    normalization,
    pools,
    quantizers,
    quotients,
    recurrent,
    scattering,
    selection,
    spectra,
)
MOST_ROUNDS = 16
OBSTACLE = "obstacle"  # key of a node's `meta`: why no rule takes it


def _table() -> dict[str, tuple[Rule, ...]]:
    rules: dict[str, tuple[Rule, ...]] = {}
    for family in FAMILIES:
        for op_type, rule in family.RULES.items():
            rules[op_type] = (*rules.get(op_type, ()), rule)
    return rules


RULES = _table()


def legalize(model: ir.Model, lowered: frozenset[str]) -> ir.Model:
    """Write what TFLite lacks with what it has.

    Args:
        model: graph in normal form with a closed batch; it may be changed.
        lowered: operators that the lowering takes; others are expanded by ONNX's own definition
            where the standard gives one.

    Returns:
        The same graph, or a new one; operators for which there is no rule are still in it.
    """
    for _ in range(MOST_ROUNDS):
        before = _count(model)
        model = expand_functions(model, before.keys() - lowered - RULES.keys())
        expanded = _count(model) != before
        if expanded:
            _tidy(model)  # rules ask for shapes, which some functions hide
        changed = [node for node in list(model.graph.all_nodes()) if _rewrite(model, node)]
        narrowed = narrow_doubles(model)
        if not expanded and not changed and not narrowed:
            break
        _tidy(model)
    return model


def _rewrite(model: ir.Model, node: ir.Node) -> bool:
    if node.graph is None:  # it went with another node of this round
        return False
    try:
        return any(rule(Composer(model, node), node) for rule in RULES.get(node.op_type, ()))
    except UnsupportedError as error:
        node.meta[OBSTACLE] = str(error)
        return False


def _count(model: ir.Model) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.all_nodes())


def _tidy(model: ir.Model) -> None:
    name_nodes(model)  # rules name what they write after the node that it replaces
    infer_shapes(model)
    fold_constants(model)
    remove_identities(model)
    infer_shapes(model)
