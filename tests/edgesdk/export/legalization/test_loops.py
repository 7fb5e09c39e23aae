"""Loops of known length are unrolled; see tflite/test_control.py for the others."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edgesdk.export.judged import codes, judge

COUNTED = """(float[2,3] x) => (float[2,3] y, float[N,2,3] rows) {
    y, rows = Loop (n, go, x) <body = turn (int64 i, bool c, float[A,B] s)
        => (bool c2, float[A,B] s2, float[A,B] row) {
            c2 = Identity(c) f = Cast <to=1> (i) s2 = Add(s, f) row = Neg(s2)
        }>
}"""


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_a_counted_loop_collects_its_rows(turns: int) -> None:
    lowered = judge(COUNTED, n=np.array(turns), go=np.array(True))
    assert "WHILE" not in codes(lowered)


def test_a_condition_on_constants_ends_the_loop() -> None:
    text = """(float[2] x) => (float[2] y) {
        last = Identity(limit)
        k, y = Loop (n, go, start, x) <body = turn (int64 i, bool c, int32 k, float[A] s)
            => (bool c2, int32 k2, float[A] s2) {
                one = Constant <value = int32 {1}> () k2 = Add(k, one)
                c2 = Less(k2, last) s2 = Add(s, s)
            }>
    }"""
    lowered = judge(
        text,
        n=np.array(100),
        go=np.array(True),
        start=np.array(0, np.int32),
        limit=np.array(3, np.int32),
    )
    assert codes(lowered).count("ADD") == 3


@pytest.mark.parametrize("back", [0, 1])
def test_a_scan_runs_over_slices(back: int) -> None:
    text = f"""(float[4,3] x, float[3] s) => (float[3] last, float[4,3] sums) {{
        last, sums = Scan <num_scan_inputs=1, scan_input_directions=[{back}],
            scan_output_directions=[{back}],
            body = turn (float[3] a, float[3] b) => (float[3] c, float[3] d) {{
                c = Add(a, b) d = Identity(c)
            }}> (s, x)
    }}"""
    judge(text)
