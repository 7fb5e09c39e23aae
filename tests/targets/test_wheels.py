"""What a wheel's files need is read from them, before anybody believes its tag."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from edgesdk_runtimes.errors import OutputError
from edgesdk_targets.wheels import check_needs

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or shutil.which("readelf") is None,
    reason="gcc or readelf is not installed",
)


def wheel_of(folder: Path, source: str, *flags: str) -> Path:
    (folder / "some.c").write_text(source)
    words = ["gcc", "-shared", "-fPIC", "some.c", *flags, "-o", "some.so"]
    subprocess.run(words, cwd=folder, check=True)
    wheel = folder / "some-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(folder / "some.so", "some/some.so")
    return wheel


def test_a_library_of_old_symbols_alone_is_accepted(tmp_path: Path) -> None:
    check_needs(wheel_of(tmp_path, "int f(void) { return 1; }", "-nostdlib"))


def test_a_symbol_newer_than_the_tag_is_named(tmp_path: Path) -> None:
    source = (
        "extern int posix_spawn_file_actions_addclosefrom_np(void *, int);\n"
        "int f(void *a) { return posix_spawn_file_actions_addclosefrom_np(a, 3); }"
    )
    with pytest.raises(OutputError, match=r"some\.so needs GLIBC_2\.34"):
        check_needs(wheel_of(tmp_path, source))


def test_a_library_that_not_every_linux_has_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.c").write_text("int g(void) { return 2; }")
    words = ["gcc", "-shared", "-fPIC", "-nostdlib", "other.c", "-o", "libother.so.7"]
    subprocess.run([*words, "-Wl,-soname,libother.so.7"], cwd=tmp_path, check=True)
    source = "extern int g(void); int f(void) { return g(); }"
    with pytest.raises(OutputError, match=r"needs libother\.so\.7"):
        check_needs(wheel_of(tmp_path, source, "-nostdlib", "-L.", "-l:libother.so.7"))
