"""What this machine's processor can do, read from the kernel."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

X86 = frozenset({"x86_64", "amd64", "i686", "i386"})
VNNI_FLAGS = frozenset({"avx512_vnni", "avx_vnni"})


@dataclass(frozen=True)
class Cpu:
    """A processor.

    Attributes:
        machine: architecture as `uname -m` says, e.g. "x86_64".
        model: its name, "" where the kernel does not tell.
        features: flag names as the kernel spells them, e.g. "avx2", "asimddp".
    """

    machine: str
    model: str
    features: frozenset[str]

    @property
    def is_x86(self) -> bool:
        return self.machine.lower() in X86

    @property
    def has_vnni(self) -> bool:
        """Whether 8-bit products are summed without saturating (x86 only)."""
        return bool(self.features & VNNI_FLAGS)


def parse_cpuinfo(text: str, machine: str) -> Cpu:
    """Read the text of /proc/cpuinfo: `flags` on x86, `Features` on ARM."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip().lower(), value.strip())
    flags = fields.get("flags", fields.get("features", ""))
    return Cpu(machine, fields.get("model name", ""), frozenset(flags.split()))


def detect() -> Cpu:
    """Describe this machine; without /proc (not Linux) the features are empty."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return parse_cpuinfo(text, platform.machine())
