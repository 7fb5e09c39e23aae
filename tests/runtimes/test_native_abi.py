"""The C interface that Python reads out of the header."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgesdk_runtimes import native_abi
from edgesdk_runtimes.errors import RuntimeMissingError
from edgesdk_runtimes.native import NativeRuntime

pytestmark = pytest.mark.native


@pytest.fixture
def no_cache() -> Iterator[None]:
    """Header and library are read anew, before and after."""
    cached = (native_abi.foreign_interface, native_abi.loaded_library)
    for read in cached:
        read.cache_clear()
    yield
    for read in cached:
        read.cache_clear()


@pytest.mark.usefixtures("no_cache")
def test_a_header_that_is_older_than_the_package_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = native_abi.header_path().read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if "int32_t unfused" not in line]
    old = tmp_path / "edgert.h"
    old.write_text("\n".join(kept), encoding="utf-8")
    monkeypatch.setattr(native_abi, "header_path", lambda: old)
    with pytest.raises(RuntimeMissingError, match=r"edgert\.h is older .* lacks unfused.*make dev"):
        native_abi.foreign_interface()
    assert not NativeRuntime().probe().available
