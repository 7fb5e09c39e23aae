"""Each verb on a small network, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgesdk
from edgesdk.cli import VERBS, main
from tests.edgesdk import small_network

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """float.onnx, images.npy, labels.csv and what `edgesdk quantize` writes to out/."""
    made = tmp_path_factory.mktemp("cli")
    model, data = small_network.write(made)
    assert main(["quantize", str(model), "--calibration", str(data), "-o", str(made / "out")]) == 0
    scores = np.asarray(edgesdk.Runner(model)(np.load(data)))
    (made / "labels.csv").write_text("\n".join(map(str, scores.argmax(axis=1))))
    return made


def read_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_quantize_writes_both_kinds_and_leaves_nothing_else(folder: Path) -> None:
    assert sorted(p.name for p in (folder / "out").iterdir()) == ["model.onnx", "model.tflite"]


def test_quantize_gives_what_the_api_gives(folder: Path) -> None:
    quantized = edgesdk.quantize(folder / "float.onnx", folder / "images.npy")
    assert (folder / "out" / "model.onnx").read_bytes() == quantized.to_bytes("onnx")


def test_quantize_counts_nodes_for_machines(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = str(folder / "float.onnx"), str(tmp_path)
    assert main(["quantize", model, "--recipe", "w8", "-o", out, "--name", "m", "--json"]) == 0
    found = read_json(capsys)
    assert sorted(found["files"]) == [f"{tmp_path}/m.onnx", f"{tmp_path}/m.tflite"]
    assert found["nodes"]["weights"] == 3


def test_a_budget_is_searched_and_its_front_shown(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["quantize", str(folder / "float.onnx"), "--calibration", str(folder / "images.npy")]
    command += ["--recipe", "mixed", "--budget", "0.2", "-o", str(tmp_path)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "Pareto front of the search" in said
    assert "of 3 layers in 8 bits" in said
    assert main([*command, "--json"]) == 0
    front = read_json(capsys)["front"]
    assert sum(point["chosen"] for point in front) == 1
    assert [point["weight_bytes"] for point in front] == sorted(p["weight_bytes"] for p in front)
    assert main([*command, "--budget", "0.05"]) == 2
    assert "impossible: the cheapest choice" in capsys.readouterr().err


def test_a_torch_module_is_named_by_its_factory(tmp_path: Path) -> None:
    model = "examples.models.linear_regression:build"
    assert main(["quantize", model, "--recipe", "w8", "-o", str(tmp_path)]) == 0
    assert (tmp_path / "model.onnx").is_file()


def test_verify_prints_tables(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--reference", str(folder / "float.onnx"), "--data", str(folder / "images.npy")]
    labels = ["--labels", str(folder / "labels.csv")]
    assert main(["verify", str(folder / "out" / "model.onnx"), *arguments, *labels]) == 0
    text = capsys.readouterr().out
    for expected in ("simulation", "litert", "native", "2/2 conv", "Worst layers", "100.00"):
        assert expected in text


def test_verify_prints_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--reference", str(folder / "float.onnx"), "--data", str(folder / "images.npy")]
    assert main(["verify", str(folder / "out" / "model.tflite"), *arguments, "--json"]) == 0
    found = read_json(capsys)
    assert found["samples"] == 24
    assert {result["runtime"] for result in found["results"]} >= {"reference", "litert", "native"}


@pytest.mark.parametrize("threshold", [["--min-sqnr", "99"], ["--max-drop", "-1"]])
def test_verify_answers_one_when_a_threshold_is_missed(
    folder: Path, threshold: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--reference", str(folder / "float.onnx"), "--data", str(folder / "images.npy")]
    few = ["--limit", "2", "--layers", "0", "--runtimes", "litert"]
    artifact = str(folder / "out" / "model.tflite")
    assert main(["verify", artifact, *arguments, *few, *threshold]) == 1
    assert "model.tflite on litert" in capsys.readouterr().out


def test_evaluate_prints_accuracy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--data", str(folder / "images.npy"), "--labels", str(folder / "labels.csv")]
    assert main(["evaluate", str(folder / "float.onnx"), *arguments, "--json"]) == 0
    assert read_json(capsys)["accuracy"]["top1"] == 100


def test_run_writes_outputs_by_name(folder: Path, tmp_path: Path) -> None:
    x, out = tmp_path / "x.npz", tmp_path / "y.npz"
    images = small_network.images(3)
    np.savez(x, image=images)
    assert main(["run", str(folder / "float.onnx"), str(x), "-o", str(out)]) == 0
    expected = edgesdk.Runner(folder / "float.onnx")(images)
    np.testing.assert_array_equal(np.load(out)["scores"], expected)


def test_run_names_the_best_classes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", small_network.images(1))
    assert main(["run", str(folder / "float.onnx"), str(tmp_path / "x.npy"), "--json"]) == 0
    (row,) = read_json(capsys)
    scores = np.asarray(edgesdk.Runner(folder / "float.onnx")(small_network.images(1)))
    assert row["largest"][0] == scores.argmax()
    assert row["shape"] == [1, 7]


def test_bench_has_a_row_for_each_runtime_and_thread_count(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = str(folder / "out" / "model.tflite")
    assert main(["bench", artifact, "--threads", "1,2", "--rounds", "1", "--json"]) == 0
    rows = {(t["runtime"], t["threads"]) for t in read_json(capsys)["timings"]}
    assert rows == {("native", 1), ("native", 2), ("litert", 1), ("litert", 2)}


def test_bench_prints_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(folder / "out" / "model.onnx"), "--rounds", "1"]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("onnxruntime", "native", "p50 ms", "RSS MB"))


@pytest.mark.parametrize("name", ["model.onnx", "model.tflite"])
def test_inspect_shows_how_an_artifact_was_made(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(folder / "out" / name)]) == 0
    text = capsys.readouterr().out
    for expected in ('name = "w8a8"', "edgesdk.data_sha256", "Operators", "INT8"):
        assert expected in text


def test_report_writes_a_page_and_says_what_to_do_next(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--reference", str(folder / "float.onnx"), "--data", str(folder / "images.npy")]
    page = tmp_path / "report.html"
    artifact = str(folder / "out" / "model.tflite")
    assert main(["report", artifact, *given, "--rounds", "1", "-o", str(page)]) == 0
    assert "<!doctype html>" in page.read_text(encoding="utf-8")
    text = capsys.readouterr().out
    assert f"Report: {page}" in text
    assert "edgesdk report out/model.tflite" in text


def test_report_prints_its_data(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = ["-o", str(tmp_path / "r.html")]
    assert main(["report", str(folder / "out" / "model.onnx"), "--json", *output]) == 0
    found = read_json(capsys)
    assert found["title"] == "model.onnx"
    assert found["verification"] is None


def test_quantize_writes_a_report_too_into_the_folder_that_it_makes(
    folder: Path, tmp_path: Path
) -> None:
    given = [str(folder / "float.onnx"), "--calibration", str(folder / "images.npy")]
    made = tmp_path / "new"
    page = made / "report.json"
    assert main(["quantize", *given, "-o", str(made), "--report", str(page)]) == 0
    assert json.loads(page.read_text())["verification"]["samples"] == 8


@pytest.mark.parametrize(
    "model", ["float.onnx", "out/model.tflite", "examples.models.linear_regression:build"]
)
def test_trace_draws_any_model(
    folder: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "graph.html"
    path = model if ":" in model else str(folder / model)
    assert main(["trace", path, "-o", str(page)]) == 0
    assert "parameters" in capsys.readouterr().out
    assert page.is_file()


def test_doctor_lists_machine_and_runtimes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("processor", "onnxruntime", "litert", "native", "numpy"))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    assert f"edgesdk {verb}" in capsys.readouterr().out


def test_finetune_learns_from_the_float_model(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["finetune", str(folder / "out" / "model.onnx"), "--data", str(folder / "images.npy")]
    command += ["--reference", str(folder / "float.onnx"), "--epochs", "1", "-o", str(tmp_path)]
    assert main([*command, "--json"]) == 0
    found = read_json(capsys)
    assert [epoch["number"] for epoch in found["epochs"]] == [0, 1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.onnx", "model.tflite"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "(kept)" in said
    assert "model.tflite" in said
