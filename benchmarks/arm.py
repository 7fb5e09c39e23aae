"""One inference on Raspberry Pi cores, native beside LiteRT on the same file and estimator.

    python -m benchmarks.arm [--models dscnn_int8,...] [--targets raspberrypi4,raspberrypi5]

Instructions are exact, cycles a model (docs/TARGETS.md): read the ratios. Needs qemu-user, llvm-19,
the cross compiler and `edgesdk target prepare` for each target.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from benchmarks.data import shared_data
from edgesdk_targets.device import load_device
from edgesdk_targets.estimate import estimate

# Name -> file in the folder of shared models.
MODELS: Mapping[str, str] = {
    "mobilenet_v2_int8": "tflite/mobilenet_v2_int8.tflite",
    "effnet_lite0_int8": "tflite/effnet_lite0_int8.tflite",
    "resnet8_int8": "tflite/resnet8_int8.tflite",
    "dscnn_int8": "tflite/dscnn_int8.tflite",
    "vww_int8": "mlperf-tiny/vww/vww_96_int8.tflite",
}


def print_row(target: str, name: str, path: Path) -> None:
    """Both runtimes on one core; ratios below 1 are ours."""
    device = load_device(target)
    ours, peer = (estimate(device, path, runtime) for runtime in ("native", "litert"))
    cells = [name, target, *pair(ours.instructions, peer.instructions)]
    if ours.cycles is not None and peer.cycles is not None:
        cells += pair(ours.cycles, peer.cycles)
    print("| " + " | ".join(cells) + " |", flush=True)


def pair(ours: float, peer: float) -> tuple[str, str, str]:
    """In millions, and ours as a share of the peer's."""
    return f"{ours / 1e6:.2f}", f"{peer / 1e6:.2f}", f"{ours / peer:.2f}"


def main() -> None:
    """Print a Markdown table, row by row."""
    parser = argparse.ArgumentParser("arm", description=__doc__)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--targets", default="raspberrypi4,raspberrypi5")
    options = parser.parse_args()
    print("| model | target | Minstr | LiteRT | ratio | Mcycles | LiteRT | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for target in options.targets.split(","):
        for name in options.models.split(","):
            print_row(target, name, shared_data() / MODELS[name])


if __name__ == "__main__":
    main()
