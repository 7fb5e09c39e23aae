"""Run a benchmark as if this processor were an older one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

VIEWS = ("native", "avx2")
MARK = "EDGESDK_BENCH_VIEW"
SOURCE = Path(__file__).with_name("avx2_view.c")
FOLDER = Path(__file__).resolve().parents[1] / "build" / "bench"


def enter(view: str) -> None:
    """Start this program again under the view, unless it runs under it already.

    `avx2` needs Linux on a processor with CPUID faulting, and a C compiler; where those lack, the
    program ends with the reason.
    """
    if view == "native" or os.environ.get(MARK) == view:
        return
    if "cpuid_fault" not in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        sys.exit("This processor or kernel cannot make CPUID fault, so no view of it is possible.")
    library = FOLDER / "avx2_view.so"
    FOLDER.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "cc")
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)]
    subprocess.run(command, check=True)
    environment = os.environ | {"LD_PRELOAD": str(library), MARK: view}
    main = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, main, environment)
