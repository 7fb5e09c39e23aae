"""Where verbs write an artifact: its folder, and the files of both kinds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgesdk.cli.output import in_bytes, print_table
from edgesdk.files import write_atomically
from edgesdk.quantized import Quantized
from edgesdk_runtimes.errors import OutputError, UnsupportedError

STATE = ".calibration"  # folder of what a stopped run goes on with, in the output folder
KINDS = ("onnx", "tflite")


def output_folder(text: str) -> Path:
    """The folder, made if it is not there.

    Raises:
        OutputError: it cannot be made.
    """
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made ({error.strerror}). Give a place that you may "
            "write to with -o."
        ) from error
    return folder


def save_both(
    quantized: Quantized, folder: Path, name: str
) -> tuple[dict[str, int], dict[str, str]]:
    """Write both kinds; a model that TFLite cannot hold still gives its .onnx file."""
    sizes: dict[str, int] = {}
    failures: dict[str, str] = {}
    for kind in KINDS:
        path = folder / f"{name}.{kind}"
        try:
            quantized.save(path)
        except UnsupportedError as error:
            failures[str(path)] = str(error) + _listed(error, path.with_suffix(".unsupported.txt"))
        else:
            sizes[str(path)] = path.stat().st_size
    return sizes, failures


def _listed(error: UnsupportedError, path: Path) -> str:
    """Write all that is missing, one a line; what to say of it."""
    if not error.needs:
        return ""
    write_atomically(path, "".join(f"{need}\n" for need in error.needs).encode())
    return f" (all of them: {path})"


def print_saved(sizes: Mapping[str, int]) -> None:
    """The files that were written."""
    print_table("Written", ["file", ">size"], [(p, in_bytes(size)) for p, size in sizes.items()])


def print_unsaved(failures: Mapping[str, str]) -> None:
    """The files that could not be, and why."""
    for path, reason in failures.items():
        print(f"{path} was not written: {reason}")
