"""Bit allocation: which layer gets how many bits under a budget of bytes or of latency."""

from edgesdk_quant.search.choices import Allocation, Choice, Table, extremes, pareto_front
from edgesdk_quant.search.greedy import allocate_greedily
from edgesdk_quant.search.ilp import allocate_exactly

__all__ = [
    "Allocation",
    "Choice",
    "Table",
    "allocate_exactly",
    "allocate_greedily",
    "extremes",
    "pareto_front",
]
