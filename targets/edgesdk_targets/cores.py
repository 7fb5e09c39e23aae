"""What Linux tells programs about an ARM core through /proc and /sys."""

from __future__ import annotations

from collections.abc import Mapping

# qemu's name of the core -> (part number, features), as Linux prints them on such a board.
_ARMV8_0 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
_ARMV7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae"
CORES: Mapping[str, tuple[str, str]] = {
    "cortex-a53": ("0xd03", _ARMV8_0),
    "cortex-a72": ("0xd08", _ARMV8_0),
    "cortex-a76": ("0xd0b", f"{_ARMV8_0} atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"),
    "cortex-a7": ("0xc07", _ARMV7),
}


def core_files(cpu: str) -> Mapping[str, str]:
    """File below the root -> its text, for a machine with one such core."""
    if cpu not in CORES:
        return {}
    part, features = CORES[cpu]
    architecture = 7 if part.startswith("0xc") else 8
    cpuinfo = (
        "processor\t: 0\n"
        "BogoMIPS\t: 108.00\n"
        f"Features\t: {features}\n"
        "CPU implementer\t: 0x41\n"
        f"CPU architecture: {architecture}\n"
        "CPU variant\t: 0x0\n"
        f"CPU part\t: {part}\n"
        "CPU revision\t: 3\n\n"
    )
    listed = {f"sys/devices/system/cpu/{name}": "0\n" for name in ("possible", "present", "online")}
    return {"proc/cpuinfo": cpuinfo, **listed}
