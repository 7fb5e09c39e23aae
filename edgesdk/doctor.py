"""What this machine and its installed packages can do, and what to install."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import edgesdk
from edgesdk_runtimes import RUNTIMES, cpu
from edgesdk_runtimes.base import RuntimeStatus

# Package -> what it is for.
PACKAGES: Mapping[str, str] = {
    "numpy": "arrays (needed)",
    "cffi": "the native runtime (needed)",
    "torch": "quantizing PyTorch models",
    "onnx": "reading and checking .onnx files",
    "onnx-ir": "quantizing",
    "onnxscript": "exporting PyTorch models",
    "pillow": "folders of images",
    "rich": "tables and progress bars",
}
# Features that decide speed or bits; others are noise.
TELLING_FEATURES = (
    *("sse4_1", "avx", "avx2", "fma", "f16c", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8"),
    *("neon", "asimd", "asimdhp", "asimddp", "i8mm", "sve"),
)


@dataclass(frozen=True)
class Package:
    """An optional or needed package: version "" where it is not installed."""

    name: str
    version: str
    purpose: str


@dataclass(frozen=True)
class Diagnosis:
    """A machine as EdgeSDK sees it.

    Attributes:
        edgesdk: our version.
        python: its version.
        system: kernel and architecture.
        processor: name of the CPU.
        cores: how many this process may use.
        memory_gb: of the machine, in 10^9 bytes; 0 where unknown.
        features: CPU flags that decide speed or bits.
        runtimes: each adapter's answer.
        packages: what quantizing needs.
        advice: sentences that say what to install; empty when nothing is missing.
    """

    edgesdk: str
    python: str
    system: str
    processor: str
    cores: int
    memory_gb: float
    features: tuple[str, ...]
    runtimes: tuple[RuntimeStatus, ...]
    packages: tuple[Package, ...]
    advice: tuple[str, ...]


def diagnose() -> Diagnosis:
    """Look at this machine."""
    processor = cpu.detect()
    runtimes = tuple(r.probe() for r in RUNTIMES.values() if r.name != "null")
    packages = tuple(Package(name, _version(name), why) for name, why in PACKAGES.items())
    return Diagnosis(
        edgesdk=edgesdk.__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {processor.machine}",
        processor=processor.model or "unknown",
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
        memory_gb=_memory_gb(),
        features=tuple(name for name in TELLING_FEATURES if name in processor.features),
        runtimes=runtimes,
        packages=packages,
        advice=_advice(runtimes, packages),
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _memory_gb() -> float:
    try:
        first = Path("/proc/meminfo").read_text(encoding="ascii").split(maxsplit=2)
    except OSError:
        return 0.0
    return int(first[1]) * 1024 / 1e9


def _advice(runtimes: tuple[RuntimeStatus, ...], packages: tuple[Package, ...]) -> tuple[str, ...]:
    advice = [f"{s.name} is {s.detail}" for s in runtimes if not s.available]
    missing = [p.name for p in packages if not p.version]
    if missing:
        advice.append(
            f"Quantizing lacks {', '.join(missing)}: pip install 'edgesdk[quantize]'. "
            "Running models on this machine needs none of them."
        )
    return tuple(advice)
