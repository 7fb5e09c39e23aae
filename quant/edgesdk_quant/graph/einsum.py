"""Einsum as the transposed matrix products that it is, which have integer kernels."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.folding import fold_constants
from edgesdk_quant.graph.rewrite import bypass, graph_of, replace
from edgesdk_quant.graph.shapes import infer_shapes
from edgesdk_quant.graph.values import constant, new_initializer, unique_name, value_shape

EQUATION = re.compile(r"[A-Za-z]*(,[A-Za-z]*)*(->[A-Za-z]*)?")
OPEN = -1  # the size of a label that is not known


@dataclass(frozen=True)
class Term:
    """A value and the label of each of its dimensions."""

    value: ir.Value
    labels: str


def write_einsums(model: ir.Model) -> None:
    """Replace every Einsum without an ellipsis and without diagonals, of up to one open size.

    A label has one size: Einsums that repeat a dimension of size 1 stay, too. Constants come out
    turned, as weights that can be quantized.
    """
    if any([_rewrite(node) for node in list(model.graph.all_nodes()) if node.op_type == "Einsum"]):
        fold_constants(model)
        infer_shapes(model)


def _rewrite(node: ir.Node) -> bool:
    found = _terms(node)
    if found is None:
        return False
    terms, result, sizes = found
    write = _Writer(node, sizes)
    total = write.summed(terms[0], "".join(t.labels for t in terms[1:]) + result)
    for i, term in enumerate(terms[1:], 1):
        later = "".join(t.labels for t in terms[i + 1 :]) + result
        total = _product(write, total, write.summed(term, total.labels + later), later)
    value = write.arranged(total, [[label] for label in result])
    bypass(replace(node, "Identity", [value]))
    return True


def _terms(node: ir.Node) -> tuple[list[Term], str, dict[str, int]] | None:
    """Operands, labels of the result, and the size of each label."""
    equation = node.attributes.get_string("equation", "").replace(" ", "")
    if not EQUATION.fullmatch(equation):
        return None
    operands, arrow, result = equation.partition("->")
    labels = operands.split(",")
    if not arrow:
        result = "".join(sorted(c for c in set(operands) - {","} if operands.count(c) == 1))
    shapes = [value_shape(value) for value in node.inputs]
    if any(shape is None for shape in shapes) or any(len(set(x)) < len(x) for x in labels):
        return None
    sizes: dict[str, int] = {}
    for names, shape in zip(labels, shapes, strict=True):
        for label, size in zip(names, shape or (), strict=True):
            known = OPEN if size is None else size
            if sizes.setdefault(label, known) != known:
                return None
    if list(sizes.values()).count(OPEN) > 1:
        return None
    given = [Term(v, x) for v, x in zip(node.inputs, labels, strict=True) if v is not None]
    return given, result, sizes


def _product(write: _Writer, left: Term, right: Term, wanted: str) -> Term:
    """What is left of two terms: batch, rows and columns, in this order."""
    if constant(left.value) is not None and constant(right.value) is None:
        left, right = right, left  # weights stand on the right
    shared = [label for label in left.labels if label in right.labels]
    batch = [label for label in shared if label in wanted]
    depth = [label for label in shared if label not in wanted]
    rows = [label for label in left.labels if label not in shared]
    columns = [label for label in right.labels if label not in shared]
    kept = "".join([*batch, *rows, *columns])
    each = [[label] for label in batch]
    if not depth:
        ones: list[list[str]] = [[] for _ in columns]
        a = write.arranged(left, [*each, *([x] for x in rows), *ones])
        b = write.arranged(right, [*each, *([] for _ in rows), *([x] for x in columns)])
        return Term(write("Mul", [a, b]), kept)
    lines = [[x] for x in rows] if rows and not batch else [rows]
    a = write.arranged(left, [*each, *lines, depth])
    b = write.arranged(right, [*each, depth, columns])
    groups = [*each, *lines, columns]
    return Term(write.split(write("MatMul", [a, b]), groups), kept)


class _Writer:
    """Puts nodes in front of the Einsum."""

    def __init__(self, node: ir.Node, sizes: Mapping[str, int]) -> None:
        self._node, self._graph, self._sizes = node, graph_of(node), sizes
        self._count = 0

    def __call__(
        self, op_type: str, inputs: Sequence[ir.Value], attributes: Mapping[str, Any] | None = None
    ) -> ir.Value:
        """The result of a new node."""
        self._count += 1
        made = ir.node(op_type, inputs, attributes, name=f"{self._node.name}_{self._count}")
        wanted = f"{self._node.outputs[0].name}_{self._count}"
        made.outputs[0].name = unique_name(self._graph, wanted)
        self._graph.insert_before(self._node, made)
        return made.outputs[0]

    def summed(self, term: Term, wanted: str) -> Term:
        """Without the labels that nobody else has."""
        axes = [i for i, label in enumerate(term.labels) if label not in wanted]
        if not axes:
            return term
        left = "".join(label for label in term.labels if label in wanted)
        return Term(self("ReduceSum", [term.value, self._constant(axes)], {"keepdims": 0}), left)

    def arranged(self, term: Term, groups: Sequence[Sequence[str]]) -> ir.Value:
        """The term with one dimension for each group of its labels, of size 1 for none."""
        value, order = term.value, [label for group in groups for label in group]
        if order != list(term.labels):
            perm = [term.labels.index(label) for label in order]
            value = self("Transpose", [value], {"perm": perm})
        if all(len(group) == 1 for group in groups):
            return value
        return self("Reshape", [value, self._constant([self._size(group) for group in groups])])

    def split(self, value: ir.Value, groups: Sequence[Sequence[str]]) -> ir.Value:
        """The other way: a dimension for each label."""
        if all(len(group) == 1 for group in groups):
            return value
        shape = [self._sizes[label] for group in groups for label in group]
        return self("Reshape", [value, self._constant(shape)])

    def _size(self, group: Sequence[str]) -> int:
        sizes = [self._sizes[label] for label in group]
        return OPEN if OPEN in sizes else math.prod(sizes)

    def _constant(self, numbers: Sequence[int]) -> ir.Value:
        name = f"{self._node.name}_sizes"
        return new_initializer(self._graph, name, np.array(numbers, np.int64))
