"""Processor features."""

from __future__ import annotations

import pytest

from edgesdk_runtimes import cpu

X86_TEXT = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 {}\n\nprocessor\t: 1\n"
ARM_TEXT = "processor\t: 0\nFeatures\t: fp asimd asimddp\n"


def test_flags_of_x86_are_read() -> None:
    found = cpu.parse_cpuinfo(X86_TEXT.format("fma"), "x86_64")
    assert found == cpu.Cpu("x86_64", "Some CPU", frozenset({"fpu", "avx2", "fma"}))
    assert found.is_x86
    assert not found.has_vnni


def test_features_of_arm_are_read() -> None:
    found = cpu.parse_cpuinfo(ARM_TEXT, "aarch64")
    assert found.features == {"fp", "asimd", "asimddp"}
    assert not found.is_x86


@pytest.mark.parametrize("flag", ["avx512_vnni", "avx_vnni"])
def test_either_vnni_counts(flag: str) -> None:
    assert cpu.parse_cpuinfo(X86_TEXT.format(flag), "x86_64").has_vnni


def test_no_text_gives_no_features() -> None:
    assert cpu.parse_cpuinfo("", "riscv64") == cpu.Cpu("riscv64", "", frozenset())


def test_this_machine_is_described() -> None:
    assert cpu.detect().machine
