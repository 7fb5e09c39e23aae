"""How much each layer's rounding harms the outputs: noise at the outputs as a share of their power.

Only one layer is rounded at a time; the noises of independent layers add up, so that the table
serves a linear program (Yao et al. 2021, "HAWQ-V3", section 4). Configurations that were measured
once are not measured again: results are kept under a hash of all that they depend on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx_ir as ir

from edgesdk_quant.algorithms.bias_correction import correct_biases, correctable
from edgesdk_quant.calibration.channel_mean import ChannelMean
from edgesdk_quant.calibration.saved_state import SavedState
from edgesdk_quant.data import CalibrationData, Sample, sample_digest
from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.graph import clone, constant, new_initializer, to_bytes
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.progress import Progress
from edgesdk_quant.scheme import Affine
from edgesdk_runtimes import runtime_named
from edgesdk_runtimes.base import Array, Session

# How a layer is stored: (node name, bits) -> parameters.
Stored = Mapping[tuple[str, int], Affine]


@dataclass(frozen=True)
class Damage:
    """What a configuration does to the outputs.

    Attributes:
        noise: power of the difference to the float outputs, as a share of their power.
        flips: share of samples whose largest output is another one; the task metric without labels.
    """

    noise: float
    flips: float

    @property
    def sqnr_db(self) -> float:
        """Signal to quantization noise at the outputs."""
        return math.inf if self.noise <= 0 else -10 * math.log10(self.noise)


class Evaluations:
    """Damages by hash, on disk; without a folder they are kept in memory alone."""

    def __init__(self, folder: Path | None) -> None:
        self._saved = SavedState(folder, "evaluations", "of-all-models")
        self._known = {key: array for key, array in self._saved.load().items()}
        self.measured = 0

    def get(self, key: str) -> Damage | None:
        known = self._known.get(key)
        return None if known is None else Damage(float(known[0]), float(known[1]))

    def put(self, key: str, damage: Damage) -> None:
        self.measured += 1
        self._known[key] = np.array([damage.noise, damage.flips])
        self._saved.save(self._known)


@dataclass
class Judge:
    """Measures configurations of one model on the same samples.

    Attributes:
        model: float graph in normal form.
        sites: its weights.
        stored: how each width stores each layer.
        means: mean of each channel of the layers' inputs: rounding moves the biases along.
        samples: for the measurement.
        evaluations: what is known already.
    """

    model: ir.Model
    sites: Sequence[WeightSite]
    stored: Stored
    means: Mapping[str, ChannelMean]
    samples: Sequence[Sample]
    evaluations: Evaluations
    _expected: list[list[Array]] = field(default_factory=list)
    _key: str = ""

    def damage(self, bits: Mapping[str, int]) -> Damage:
        """Of a configuration: node name -> width; layers without a width stay float."""
        if not self._expected:
            self._expected = self._run(self.model)
            digests = [sample_digest(s.arrays) for s in self.samples]
            self._key = fingerprint([to_bytes(self.model), *digests])
        scales = [self.stored[n, b].scale.tobytes() for n, b in sorted(bits.items())]
        key = fingerprint([self._key, repr(sorted(bits.items())), *scales])
        known = self.evaluations.get(key)
        if known is None:
            known = self._compare(self._run(self._rounded(bits)))
            self.evaluations.put(key, known)
        return known

    def table(self, widths: Sequence[int], progress: Progress) -> dict[tuple[str, int], Damage]:
        """Damage of each layer at each width, alone."""
        progress.start("measuring sensitivity", len(self.sites) * len(widths), "configurations")
        found = {}
        for site in self.sites:
            for width in widths:
                if (site.node, width) in self.stored:
                    found[site.node, width] = self.damage({site.node: width})
                progress.advance()
        progress.finish()
        return found

    def _rounded(self, bits: Mapping[str, int]) -> ir.Model:
        variant = clone(self.model)
        chosen = {s: self.stored[s.node, bits[s.node]] for s in self.sites if s.node in bits}
        inputs = correctable(variant, tuple(chosen))
        known = {node: value for node, value in inputs.items() if value in self.means}
        correct_biases(variant, chosen, known, self.means)
        nodes = {str(node.name): node for node in variant.graph}
        for site, parameters in chosen.items():
            node = nodes[site.node]
            weight = np.asarray(constant(node.inputs[site.index]))
            rounded = new_initializer(variant.graph, site.node, parameters.round_trip(weight))
            node.replace_input_with(site.index, rounded)
        return variant

    def _run(self, model: ir.Model) -> list[list[Array]]:
        session: Session = runtime_named("onnxruntime").open(to_bytes(model), threads=1)
        try:
            return [session.run(list(sample.arrays)) for sample in self.samples]
        finally:
            session.close()

    def _compare(self, outputs: list[list[Array]]) -> Damage:
        """Mean over the outputs of their relative noise; flips in the first output."""
        shares = []
        for index in range(len(outputs[0])):
            exact = np.stack([o[index] for o in self._expected]).astype(np.float64)
            noise = np.square(np.stack([o[index] for o in outputs]) - exact).mean()
            shares.append(noise / max(np.square(exact - exact.mean()).mean(), 1e-30))
        pairs = zip(outputs, self._expected, strict=True)
        flips = [int(a[0].argmax()) != int(b[0].argmax()) for a, b in pairs]
        return Damage(float(np.mean(shares)), float(np.mean(flips)))


def first_samples(model: ir.Model, data: CalibrationData, count: int) -> list[Sample]:
    """The first samples of the data, checked against the model's inputs."""
    session = runtime_named("onnxruntime").open(to_bytes(model), threads=1)
    inputs = session.inputs
    session.close()
    return list(data.limited(count).samples(inputs))
