"""Which values share one scale: what pass-through operators tie together."""

from __future__ import annotations

from collections.abc import Iterable

from edgesdk_quant.placement.decision import Group


class Scales:
    """Disjoint sets of value names, each with a fixed range or none."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._range: dict[str, tuple[float, float]] = {}

    def add(self, name: str) -> None:
        self._parent.setdefault(name, name)

    def fix(self, name: str, bounds: tuple[float, float] | None) -> None:
        if bounds is not None:
            self._range[self._root(name)] = bounds

    def join(self, inputs: Iterable[str], outputs: Iterable[str]) -> None:
        """Make one set of a pass-through operator's values.

        An input whose range is fixed otherwise than the others' stays out of it (a Sigmoid that is
        concatenated with a convolution): it is quantized anew in front of the operator.
        """
        roots = list(dict.fromkeys(self._root(name) for name in inputs))
        agree = len({self._range.get(root) for root in roots}) == 1
        members = [root for root in roots if agree or root not in self._range]
        head, *rest = (*members, *map(self._root, outputs))
        for root in rest:
            self._parent[root] = head

    def groups(self) -> tuple[Group, ...]:
        members: dict[str, list[str]] = {}
        for name in self._parent:
            members.setdefault(self._root(name), []).append(name)
        return tuple(Group(tuple(v), self._range.get(root)) for root, v in members.items())

    def _root(self, name: str) -> str:
        while self._parent[name] != name:
            name = self._parent[name]
        return name
