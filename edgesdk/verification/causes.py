"""Why a tensor is noisy: how much of it clipping, rounding and the inputs explain."""

from __future__ import annotations

from dataclasses import dataclass

# A source that explains this share of the noise energy is named.
MAIN_SHARE = 0.5
# The bulk (99.9 %) of the values uses less than this part of the range: two bits are wasted.
OUTLIER_PART = 0.25
# An operator that adds less than this to the noise of its input only passes it on.
INHERITED_DB = 3.0
# Width of weights -> what to do about their rounding.
REMEDIES = {4: "give them 8 bits, or learn the rounding (AdaRound)"}


@dataclass(frozen=True)
class Evidence:
    """Sums over all samples of one tensor, in squares of the real unit where not said otherwise.

    Attributes:
        noise: energy of all noise.
        clip_noise: energy that cutting the float values at the bounds alone would cause.
        rounding_noise: elements * scale^2 / 12, the energy of rounding alone.
        clipped: share (0..1) of float values beyond the bounds.
        bounds: smallest and largest real number that the tensor can hold.
        bulk: 99.9 % of the magnitudes are below this.
        drop_db: what the operator adds to the noise of its worst input, in dB.
        source: name of that input, "" where no input was compared.
        bias_at_limit: a bias was cut off at the end of int32.
        weight_bits: width of the constants that were rounded for it; 0 without any.
    """

    noise: float
    clip_noise: float
    rounding_noise: float
    clipped: float
    bounds: tuple[float, float]
    bulk: float
    drop_db: float
    source: str
    bias_at_limit: bool
    weight_bits: int


@dataclass(frozen=True)
class Cause:
    """A named cause: `kind` for machines, `sentence` for people."""

    kind: str
    sentence: str


def name_cause(found: Evidence) -> Cause:
    """Name the largest source of a tensor's noise."""
    if found.bias_at_limit:
        return Cause(
            "bias overflow", "a bias does not fit int32 at its scale; widen the weight scale"
        )
    if found.clip_noise > MAIN_SHARE * found.noise:
        low, high = found.bounds
        return Cause(
            "saturation",
            f"{100 * found.clipped:.2g} % of the float values lie beyond [{low:.4g}, {high:.4g}]; "
            "calibrate with more or more typical data, or with minmax",
        )
    if found.rounding_noise > MAIN_SHARE * found.noise:
        return _rounding(found)
    if found.source and found.drop_db < INHERITED_DB:
        return Cause("inherited", f"most of the noise comes with its input {found.source}")
    if not found.weight_bits:
        return Cause(
            "operands", "rounding of what it reads, which it multiplies or adds up; keep it float"
        )
    remedy = REMEDIES.get(found.weight_bits, "keep it float")
    return Cause(
        "weights", f"rounding of this operator's {found.weight_bits}-bit weights; {remedy}"
    )


def _rounding(found: Evidence) -> Cause:
    low, high = found.bounds
    reach = max(abs(low), abs(high))
    if found.bulk < OUTLIER_PART * reach:
        return Cause(
            "outliers",
            f"99.9 % of the values lie within {found.bulk:.4g}, the range reaches {reach:.4g}; "
            "calibrate with percentile or mse",
        )
    return Cause("rounding", "the step of 8 bits itself; give this tensor 16 bits")
