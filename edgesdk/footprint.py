"""What a model costs a fresh process: `python -m edgesdk.footprint MODEL RUNTIME THREADS`.

Prints the milliseconds to load it into a runtime that is there already, and the peak resident
memory in 10^6 bytes after one run.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from edgesdk.artifact import read_artifact
from edgesdk.benchmark import random_inputs
from edgesdk.sessions import find_runtime, open_session


def peak_memory_mb() -> float:
    """Peak resident memory of this process, in 10^6 bytes.

    VmHWM begins anew with each program; getrusage (where there is no /proc) keeps the parent's.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main(arguments: list[str]) -> None:
    """Load, run once, print."""
    path, runtime, threads = arguments
    artifact = read_artifact(path)
    find_runtime(runtime).probe()  # loads the runtime itself, which is no part of the model
    start = time.perf_counter()
    session = open_session(artifact, runtime, threads=int(threads)).session
    load_ms = 1e3 * (time.perf_counter() - start)
    session.run(random_inputs(session.inputs))
    print(f"{load_ms:.3f} {peak_memory_mb():.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
