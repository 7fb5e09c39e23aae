"""Naming the cause of noise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgesdk.verification.causes import Evidence, name_cause

NEUTRAL = Evidence(
    noise=100.0,
    clip_noise=0.0,
    rounding_noise=0.0,
    clipped=0.0,
    bounds=(-1.0, 1.0),
    bulk=0.9,
    drop_db=10.0,
    source="x",
    bias_at_limit=False,
    weight_bits=8,
)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, "weights"),
        ({"drop_db": 1.0}, "inherited"),
        ({"drop_db": 1.0, "source": ""}, "weights"),
        ({"weight_bits": 0}, "operands"),
        ({"weight_bits": 0, "drop_db": 1.0}, "inherited"),
        ({"rounding_noise": 60.0}, "rounding"),
        ({"rounding_noise": 60.0, "bulk": 0.1}, "outliers"),
        ({"clip_noise": 60.0, "clipped": 0.02}, "saturation"),
        ({"clip_noise": 60.0, "bias_at_limit": True}, "bias overflow"),
    ],
)
def test_the_largest_source_is_named(change: dict[str, object], kind: str) -> None:
    assert name_cause(replace(NEUTRAL, **change)).kind == kind  # type: ignore[arg-type]


def test_saturation_names_share_and_bounds() -> None:
    cause = name_cause(replace(NEUTRAL, clip_noise=60.0, clipped=0.02))
    assert "2 % of the float values lie beyond [-1, 1]" in cause.sentence


def test_four_bit_weights_get_another_remedy_than_eight_bit_ones() -> None:
    assert "8-bit weights; keep it float" in name_cause(NEUTRAL).sentence
    assert "give them 8 bits" in name_cause(replace(NEUTRAL, weight_bits=4)).sentence
