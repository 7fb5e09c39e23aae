"""The C interface of libedgert for cffi in ABI mode, taken from its public header.

The header is the one source of truth: the wheel installs it beside the library, and here only the
preprocessor lines, which cffi does not read, are taken out.
"""

from __future__ import annotations

import functools
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any

from edgesdk_runtimes.errors import ModelError, RuntimeMissingError, UnsupportedError

ABI_VERSION = 1
ERROR_BYTES = 1024
LIBRARY_VARIABLE = "EDGERT_LIBRARY"
INSTALLED = "_lib"

# edgert_status -> what is raised; every other failure is a ModelError.
ERRORS: dict[int, type[ModelError]] = {4: UnsupportedError}
# What this package sets in edgert_session_options.
OPTIONS = frozenset({"size", "threads", "profile", "kernels", "unfused"})


def library_path() -> Path:
    """Where the library is: $EDGERT_LIBRARY, else beside this package.

    Raises:
        RuntimeMissingError: there is no such file.
    """
    named = os.environ.get(LIBRARY_VARIABLE)
    path = Path(named) if named else _installed("libedgert.so")
    if not path.is_file():
        raise RuntimeMissingError(
            f"the native library was looked for at {path} and is not there; install the wheel of "
            f"edgesdk for this platform, or name the built libedgert.so in {LIBRARY_VARIABLE}"
        )
    return path


def _installed(name: str) -> Path:
    return Path(str(resources.files("edgesdk_runtimes") / INSTALLED / name))


def declarations(header: str) -> str:
    """C declarations that cffi reads, out of the text of edgert.h."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    constants = dict(re.findall(r"^#define (\w+) (\d+)$", text, flags=re.MULTILINE))
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE).replace("EDGERT_API", "")
    return re.sub(r"\[(\w+)\]", lambda match: f"[{constants.get(match[1], match[1])}]", text)


@functools.cache
def foreign_interface() -> Any:
    """The cffi FFI with all types of the header.

    Raises:
        RuntimeMissingError: the header is older than this package.
    """
    from cffi import FFI

    ffi, path = FFI(), header_path()
    ffi.cdef(declarations(path.read_text(encoding="utf-8")))
    known = {name for name, _ in ffi.typeof("edgert_session_options").fields}
    if missing := sorted(OPTIONS - known):
        raise RuntimeMissingError(
            f"{path} is older than this package: its edgert_session_options lacks "
            f"{', '.join(missing)}. Install library and package together: "
            "pip install --force-reinstall edgesdk, or, in a checkout, make dev"
        )
    return ffi


def header_path() -> Path:
    """Where edgert.h is: beside the installed library, else in a development checkout."""
    installed = _installed("edgert.h")
    if installed.is_file():
        return installed
    return Path(__file__).resolve().parents[2] / "native/include/edgert.h"


@functools.cache
def loaded_library() -> Any:
    """The loaded library.

    Raises:
        RuntimeMissingError: it is missing, cannot be loaded here, or is of another ABI version.
    """
    path = library_path()
    try:
        loaded = foreign_interface().dlopen(str(path))
    except OSError as error:
        raise RuntimeMissingError(
            f"{path} cannot be loaded ({error}); install the wheel of edgesdk for this platform"
        ) from error
    if (version := loaded.edgert_abi_version()) != ABI_VERSION:
        raise RuntimeMissingError(
            f"{path} has ABI version {version} and this package needs {ABI_VERSION}; "
            "install both from the same wheel"
        )
    return loaded
