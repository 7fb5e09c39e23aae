"""Results as plain types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgesdk.plain import to_plain


@dataclass(frozen=True)
class Inner:
    value: float
    dtype: np.dtype[np.int8]


def test_results_become_plain_types() -> None:
    given = {"a": (Inner(float("inf"), np.dtype(np.int8)),), 2: np.float32(0.5), "n": None}
    plain = to_plain(given)
    assert plain == {"a": [{"value": "inf", "dtype": "int8"}], "2": 0.5, "n": None}
