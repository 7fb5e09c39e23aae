"""What C libraries print."""

from __future__ import annotations

import ctypes

import pytest

from edgesdk_quant.search.quiet import quiet_stdout


def test_what_c_code_prints_is_lost_and_what_is_printed_around_it_is_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    libc = ctypes.CDLL(None)
    print("before")
    with quiet_stdout():
        libc.puts(b"a line of debugging")
    libc.puts(b"after")
    libc.fflush(None)
    print("at the end")
    assert capfd.readouterr().out.split("\n")[:3] == ["before", "after", "at the end"]
