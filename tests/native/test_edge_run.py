"""The program edge-run: files in, files out, exit codes that a script can use."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from tests.native import model_builder
from tests.native.conftest import EdgeRun

pytestmark = pytest.mark.native

DONE, FAILED, USAGE = 0, 1, 2


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    """A model whose first output is 10 + x."""
    path = tmp_path / "counter.tflite"
    path.write_bytes(model_builder.pack(model_builder.counter()))
    return path


def test_npy_in_npy_out(edge_run: EdgeRun, counter: Path, tmp_path: Path) -> None:
    x = np.array([[1, 2, 3, 4]], np.float32)
    np.save(tmp_path / "x.npy", x)
    done = edge_run("run", counter, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
    assert done.code == DONE, done
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), x + 10)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["counter.tflite", "x.npy", "y.npy"]


def test_raw_in_raw_out(edge_run: EdgeRun, counter: Path, tmp_path: Path) -> None:
    x = np.array([1, 2, 3, 4], np.float32)
    x.tofile(tmp_path / "x.raw")
    done = edge_run("run", counter, "--input", tmp_path / "x.raw", "--output", tmp_path / "y.raw")
    assert done.code == DONE, done
    np.testing.assert_array_equal(np.fromfile(tmp_path / "y.raw", np.float32), x + 10)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((1, 3), np.float32), "smaller"),
        (np.zeros((1, 5), np.float32), "larger"),
        (np.zeros((1, 4), np.float64), "element type"),
        (np.zeros((1, 4), np.int32), "element type"),
        (np.zeros((1, 4), ">f4"), "element type"),
        (np.zeros((4, 4), np.float32, order="F"), "Fortran"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(
    edge_run: EdgeRun, counter: Path, tmp_path: Path, array: np.ndarray, message: str
) -> None:
    np.save(tmp_path / "x.npy", array)
    done = edge_run("run", counter, "--input", tmp_path / "x.npy")
    assert done.code == FAILED
    assert message in done.stderr


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"not an array at all", b"\x93NUMPY\1\0v\0{"]
)
def test_a_damaged_npy_is_refused(
    edge_run: EdgeRun, counter: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    done = edge_run("run", counter, "--input", tmp_path / "x.npy")
    assert done.code == FAILED
    assert "x.npy is" in done.stderr


def test_an_output_that_cannot_be_written_leaves_nothing(
    edge_run: EdgeRun, counter: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 4), np.float32))
    target = tmp_path / "none" / "y.npy"
    done = edge_run("run", counter, "--input", tmp_path / "x.npy", "--output", target)
    assert done.code == FAILED
    assert "y.npy cannot be written" in done.stderr


def test_info_names_inputs_outputs_and_kernels(edge_run: EdgeRun, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(model_builder.pack(model_builder.convolution()))
    lines = edge_run("info", path).stdout.splitlines()
    assert lines[0] == "input 0  x  INT8 [1, 4, 4, 2]  scale 0.5  zero point 3"
    assert "CONV_2D" in lines[2]
    assert "gemm_s8" in lines[2]
    assert "INT8 [1, 4, 4, 3]" in lines[2]


def test_bench_gives_json(edge_run: EdgeRun, counter: Path) -> None:
    done = edge_run("bench", counter, "--runs", "7", "--threads", "2", "--json")
    figures = json.loads(done.stdout)
    assert figures["runs"] == 7
    assert figures["threads"] == 2
    assert 0 < figures["min_ms"] <= figures["p50_ms"] <= figures["p90_ms"] <= figures["p99_ms"]
    assert 0 < figures["arena_bytes"] < figures["total_bytes"]
    assert all(isinstance(warning, str) for warning in figures["warnings"])


def test_bench_gives_csv(edge_run: EdgeRun, counter: Path) -> None:
    (row,) = csv.DictReader(edge_run("bench", counter, "--runs", "7", "--csv").stdout.splitlines())
    assert row["model"] == str(counter)
    assert row["runs"] == "7"
    assert 0 < float(row["min_ms"]) <= float(row["p50_ms"]) <= float(row["p99_ms"])


def test_cpu_mask_keeps_to_one_cpu(edge_run: EdgeRun, counter: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    assert edge_run("bench", counter, "--runs", "1", "--cpu-mask", f"{1 << cpu:x}").code == DONE
    absent = max(os.sched_getaffinity(0)) + 1
    done = edge_run("bench", counter, "--cpu-mask", f"{1 << absent:x}")
    assert done.code == FAILED
    assert "--cpu-mask names no CPU" in done.stderr


def test_profile_lists_each_operator(edge_run: EdgeRun, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(model_builder.pack(model_builder.convolution()))
    done = edge_run("profile", path, "--runs", "3")
    assert [word for word in done.stdout.split() if word in {"CONV_2D", "SOFTMAX"}] == [
        "CONV_2D",
        "SOFTMAX",
    ]
    assert "864 MAC" in done.stdout
    assert "% of roof" in done.stdout
    assert "GHz (measured)" in done.stdout
    assert f"{32 + 54 + 12 + 48} bytes  maps" in done.stdout


def test_inputs_stay_what_they_were_from_run_to_run(edge_run: EdgeRun, tmp_path: Path) -> None:
    """All runs of `profile` read the indices that were written once."""
    op = schema.BuiltinOperator
    builder = model_builder.ModelBuilder()
    graph = builder.graph("main")
    index = graph.tensor("index", [64], np.int32)
    table = graph.tensor("table", [2, 1], data=3.0)
    rows, negative, y = (graph.tensor(name, [64, 1]) for name in ("rows", "negative", "y"))
    graph.operator(op.GATHER, [table, index], [rows], schema.GatherOptionsT())
    graph.operator(op.NEG, [rows], [negative])
    graph.operator(op.ADD, [negative, rows], [y], schema.AddOptionsT())
    graph.ends([index], [y])
    path = tmp_path / "m.tflite"
    path.write_bytes(model_builder.pack(builder.model))
    assert edge_run("profile", path, "--runs", "3").code == 0


def test_the_kernels_can_be_chosen(edge_run: EdgeRun, counter: Path) -> None:
    done = edge_run("bench", counter, "--runs", "1", "--json", "--kernels=generic")
    assert json.loads(done.stdout)["isa"] == "generic"
    done = edge_run("verify", counter, "--kernels", "mmx")
    assert "give one of generic" in done.stderr


def test_the_arena_report_shows_who_lies_where(edge_run: EdgeRun, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(model_builder.pack(model_builder.convolution()))
    report = edge_run("info", path, "--arena-report").stdout.split("subgraph")[1].splitlines()
    rows = [line.split() for line in report[1:-1]]
    spans = {row[4]: [int(word) for word in row[:4]] for row in rows}
    assert {name: row[1] for name, row in spans.items()} == {
        "x": 32, "maps": 48, "sums": 4, "y": 4
    }  # fmt: skip
    assert spans["x"][2:] == [-1, 0]
    assert spans["maps"][2:] == [0, 1]
    arena = int(report[-1].split()[1])
    assert all(0 <= offset <= arena - size for offset, size, _, _ in spans.values())
    assert abs(spans["maps"][0] - spans["sums"][0]) >= 4, "both live at operator 1"


def test_compare_counts_what_differs(edge_run: EdgeRun, counter: Path, tmp_path: Path) -> None:
    x = np.array([[1, 2, 3, 4]], np.float32)
    np.save(tmp_path / "x.npy", x)
    expected = x + 10
    for change, differing, largest, code in [(0.0, 0, 0.0, DONE), (0.5, 1, 0.5, FAILED)]:
        expected[0, 2] += change
        np.save(tmp_path / "y.npy", expected)
        words = ("compare", counter, tmp_path / "x.npy", "--expect", tmp_path / "y.npy")
        done = edge_run(*words, "--json")
        assert done.code == code
        found = json.loads(done.stdout)
        assert (found["elements"], found["differing"]) == (4, differing)
        assert found["largest"] == largest
    assert edge_run(*words, "--tolerance", "0.5").code == DONE
    expected[0, 1] = np.nan
    np.save(tmp_path / "y.npy", expected)
    done = edge_run(*words, "--tolerance", "0.5")
    assert done.code == FAILED
    assert "2 differ, by at most inf (element 1)" in done.stdout


def test_compare_wants_something_to_compare_with(edge_run: EdgeRun, counter: Path) -> None:
    np.save(counter.parent / "x.npy", np.zeros((1, 4), np.float32))
    done = edge_run("compare", counter, counter.parent / "x.npy")
    assert done.code == USAGE
    assert "0 --expect files" in done.stderr


def test_a_quota_is_named(edge_run: EdgeRun, counter: Path) -> None:
    done = edge_run("verify", counter, "--quota", "1000")
    assert done.code == FAILED
    assert "quota of 1000 bytes" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["verify"],
        ["dance", "m.tflite"],
        ["verify", "m.tflite", "--threads", "0"],
        ["verify", "m.tflite", "--threads", "two"],
        ["verify", "m.tflite", "--runs"],
        ["verify", "m.tflite", "--colour", "red"],
        ["verify", "m.tflite", "--kernels", "mmx"],
        ["verify", "m.tflite", "--kernels="],
        ["verify", "m.tflite", "--cpu-mask", "0"],
        ["verify", "m.tflite", "--cpu-mask", "-1"],
        ["classify", "m.tflite", "--mean", "1,2"],
        ["classify", "m.tflite", "--mean", "1,2,3,4"],
        ["classify", "m.tflite", "--std", "0"],
        ["classify", "m.tflite", "--scale", "x"],
        ["classify", "m.tflite", "--filter", "nearest"],
        ["compare", "m.tflite", "--tolerance", "-1"],
    ],
)
def test_wrong_usage_has_its_own_exit_code(edge_run: EdgeRun, words: list[str]) -> None:
    done = edge_run(*words)
    assert done.code == USAGE
    assert done.stdout == ""
    assert "edge-run" in done.stderr


def test_the_number_of_files_must_fit(edge_run: EdgeRun, counter: Path) -> None:
    done = edge_run("run", counter)
    assert done.code == USAGE
    assert "0 --input" in done.stderr
