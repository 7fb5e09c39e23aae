"""What the compilers made of the C sources, for each kind of machine.

Baseline code holds nothing that an old processor lacks, so the library loads everywhere and asks
before it uses more; and the hot loops of SIMD kernels keep their values in registers.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from edgesdk_targets.build import build_library, native_source
from edgesdk_targets.machines import MACHINES, Machine, this_machine
from tests.native.object_code import (
    BEYOND_X86_64_V1,
    functions,
    innermost_loops,
    spilling_loops,
)

BASELINE_FOLDERS = ("src", "ops", "fuse", "generic", "kernels")
# A value or two of a long loop may find no register; an array of them is a fault. 32-bit ARM has
# half the vector registers that the NEON kernels are laid out for.
MOST_STACK_MOVES: Mapping[str, float] = {"x86_64": 0.05, "aarch64": 0.05, "armv7": 0.10}
# Kernels whose loops do move more over the stack, and how much of the worst one: time to be won.
KNOWN: Mapping[str, Mapping[str, float]] = {
    "x86_64": {
        "avx2/gemm_w4b": 0.32,
        "avx2/softmax_f32": 0.16,  # constants of the exponential function
        "avx2/unary_f32": 0.09,
        "avx512vnni/unary_f32": 0.08,  # four vectors in turn
        "avx2/wide": 0.10,  # portable loops
    },
    "aarch64": {},
    "armv7": {"neon/dwconv_s8": 0.6},
}


def objects(machine: Machine) -> list[Path]:
    """Object files of the library; built by gcc, whose register allocation needs the watching."""
    compiler = "gcc" if machine == this_machine() else f"{machine.gcc}gcc"
    for tool in (compiler, "cmake"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = build_library(machine).parent / "CMakeFiles/edgert_objects.dir"
    built = sorted(folder.rglob("*.c.o"))
    return [o for o in built if (native_source() / o.relative_to(folder).with_suffix("")).exists()]


def is_baseline(path: Path) -> bool:
    return path.parent.name in BASELINE_FOLDERS


def kernel_name(path: Path) -> str:
    """The folder and the file: "avx2/gemm_s8"."""
    return f"{path.parent.name}/{path.name.removesuffix('.c.o')}"


def beyond_x86_64_v1(path: Path) -> list[str]:
    return [
        f"{path.name}: {function.name}: {i.name} {i.operands}"
        for function in functions("objdump", path)
        for i in function.instructions
        if BEYOND_X86_64_V1.fullmatch(i.name)
    ]


def beyond_armv8_0(path: Path) -> list[str]:
    """Words that LLVM cannot read with no extension beyond floating point and NEON."""
    if shutil.which("llvm-mc-19") is None:
        pytest.skip("llvm-mc-19 is not installed (apt: llvm-19)")
    words = {i.code for f in functions("aarch64-linux-gnu-objdump", path) for i in f.instructions}
    listing = [" ".join(f"0x{w[k : k + 2]}" for k in (6, 4, 2, 0)) for w in sorted(words)]
    command = ["llvm-mc-19", "--disassemble", "--triple=aarch64", "-mattr=+v8a,+fp-armv8,+neon"]
    said = subprocess.run(
        command, input="\n".join(listing) + "\n", capture_output=True, text=True, check=True
    ).stderr
    complaints = [line for line in said.splitlines() if line.startswith("0x")]
    return [f"{path.name}: {line}" for line in complaints]


def beyond_armv7_neon(path: Path) -> list[str]:
    """What the assembler noted of the instruction sets that an object needs."""
    said = subprocess.run(
        ["arm-linux-gnueabihf-readelf", "-A", str(path)], capture_output=True, text=True, check=True
    ).stdout
    noted = dict(re.findall(r"(Tag_\w+): (.+)", said))
    allowed = {
        "Tag_CPU_arch": {"v7"},
        "Tag_FP_arch": {"VFPv3", "VFPv3-D16"},
        "Tag_Advanced_SIMD_arch": {"NEONv1"},
    }
    return [
        f"{path.name}: {tag} is {value}"
        for tag, value in noted.items()
        if value not in allowed.get(tag, {value}) or tag in ("Tag_DIV_use", "Tag_MPextension_use")
    ]


BEYOND: Mapping[str, Callable[[Path], list[str]]] = {
    "x86_64": beyond_x86_64_v1,
    "aarch64": beyond_armv8_0,
    "armv7": beyond_armv7_neon,
}


@pytest.mark.parametrize("name", MACHINES)
def test_baseline_objects_hold_no_instruction_beyond_the_baseline(name: str) -> None:
    files = [path for path in objects(MACHINES[name]) if is_baseline(path)]
    assert len(files) > 50
    assert not [complaint for path in files for complaint in BEYOND[name](path)]


@pytest.mark.parametrize("name", MACHINES)
def test_hot_loops_of_simd_kernels_keep_their_values_in_registers(name: str) -> None:
    machine = MACHINES[name]
    spills = [
        f"{kernel_name(path)}: {function.name} at {address:#x}: {moves:.0%} stack moves"
        for path in objects(machine)
        if not is_baseline(path)
        for function in functions(f"{machine.gcc}objdump", path)
        for address, moves in spilling_loops(function)
        if moves > KNOWN[name].get(kernel_name(path), MOST_STACK_MOVES[name])
    ]
    assert not spills


# ---- the checks themselves -----------------------------------------------------------------------

PLANTED: Mapping[str, tuple[str, str]] = {
    "x86_64": ("-mavx2", "#include <immintrin.h>\n__m256i f(__m256i a) { return a + a; }"),
    "aarch64": ("-march=armv8.1-a", "int f(int *a) { return __atomic_fetch_add(a, 1, 5); }"),
    "armv7": ("-mfpu=neon-vfpv4", "float f(float a, float b) { return a * b; }"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_an_instruction_beyond_the_baseline_is_found(name: str, tmp_path: Path) -> None:
    flag, source = PLANTED[name]
    assert BEYOND[name](compiled(MACHINES[name], tmp_path, source, flag))


def compiled(machine: Machine, folder: Path, source: str, *flags: str) -> Path:
    compiler = "gcc" if machine == this_machine() else f"{machine.gcc}gcc"
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    (folder / "planted.c").write_text(source)
    words = [compiler, "-O2", *flags, "-c", "planted.c", "-o", "planted.o"]
    subprocess.run(words, cwd=folder, check=True)
    return folder / "planted.o"


NESTED = """
float f(const float *a, int n) {
  float s = 0;
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < n; k++) s += a[k] * s;
    s += 1;
    for (int k = 0; k < n; k++) s -= a[k] / s;
  }
  return s;
}
"""


@pytest.mark.parametrize("name", MACHINES)
def test_the_two_inner_loops_of_a_nest_are_found(name: str, tmp_path: Path) -> None:
    machine = MACHINES[name]
    path = compiled(machine, tmp_path, NESTED, "-ffp-contract=off")
    (function,) = functions(f"{machine.gcc}objdump", path)
    loops = innermost_loops(function)
    assert len(loops) == 2
    for body, operation in zip(loops, ("mul|mla", "div"), strict=True):
        assert sum(re.search(operation, i.name) is not None for i in body) == 1


# Forty sums of vectors cannot stay in 16 or 32 registers.
CROWDED = """
typedef float v __attribute__((vector_size(16)));
void f(v *a, const v *b, int n) {
  v s[40];
  for (int i = 0; i < 40; i++) s[i] = a[i];
  for (int k = 0; k < n; k++) {
    #pragma GCC unroll 40
    for (int i = 0; i < 40; i++) s[i] += b[k] * b[k + i];
  }
  for (int i = 0; i < 40; i++) a[i] = s[i];
}
"""


@pytest.mark.parametrize("name", ["x86_64", "aarch64"])
def test_sums_that_live_on_the_stack_are_found(name: str, tmp_path: Path) -> None:
    machine = MACHINES[name]
    (function,) = functions(f"{machine.gcc}objdump", compiled(machine, tmp_path, CROWDED, "-O3"))
    assert max(moves for _, moves in spilling_loops(function)) > MOST_STACK_MOVES[name]
