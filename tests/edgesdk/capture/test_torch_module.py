"""Torch modules are captured with the results that torch gives."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import edgesdk
from edgesdk.capture import capture
from edgesdk_quant.graph import to_bytes, value_shape
from edgesdk_runtimes.errors import InputError, ModelError
from tests.quant.graph.written import ops, run


@edgesdk.model(inputs={"x": (None, 4)})
class LinearRegression(nn.Module):
    """The smallest acceptance model."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[1.0], [2.0], [3.0], [4.0]]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.matmul(x, self.weight)


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.cond(x.sum() > 0, self.up, self.down, (x,))
        return y


class Median(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.median(x, 1)[0]


class PythonIf(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1 if x.sum() > 0 else x - 1


class OneAtATime(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[0] != 1:
            raise ValueError("one sample only")
        return x * 2


class Two(nn.Module):
    def forward(self, image: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        return image.mean((1, 2)) + ids.to(torch.float32).sum(1, keepdim=True)


def check(module: nn.Module, graph: ir.Model, feeds: Mapping[str, NDArray[Any]]) -> None:
    with torch.no_grad():
        expected = module.eval()(*(torch.from_numpy(array) for array in feeds.values()))
    (actual,) = run(graph, feeds)
    np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-5, atol=1e-5)


def random(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_smallest_model(batch: int) -> None:
    graph = capture(LinearRegression())
    assert ops(graph) == {"MatMul": 1}
    assert value_shape(graph.graph.inputs[0]) == (None, 4)
    check(LinearRegression(), graph, {"x": random(batch, 4)})


def test_a_declared_class_stays_an_ordinary_module() -> None:
    module = LinearRegression()
    assert isinstance(module, nn.Module)
    assert type(module) is LinearRegression
    assert list(module.state_dict()) == ["weight"]
    copy = pickle.loads(pickle.dumps(module))
    torch.testing.assert_close(copy(torch.ones(1, 4)), torch.tensor([[10.0]]))
    assert type(torch.compile(module, backend="eager")).__name__ == "OptimizedModule"


def test_inputs_can_be_given_instead_of_declared() -> None:
    module = nn.Linear(4, 2)
    for given in ((None, 4), edgesdk.InputSpec((None, 4)), random(3, 4), torch.zeros(3, 4)):
        check(module, capture(module, inputs={"x": given}), {"x": random(3, 4)})


def test_several_inputs_of_several_dtypes() -> None:
    specs = {"image": (None, 3, 3, 5), "ids": edgesdk.InputSpec((None, 7), "int64")}
    graph = capture(Two(), inputs=specs)
    feeds: dict[str, NDArray[Any]] = {
        "image": random(2, 3, 3, 5),
        "ids": np.arange(14).reshape(2, 7),
    }
    assert [value.name for value in graph.graph.inputs] == ["image", "ids"]
    check(Two(), graph, feeds)


def test_a_fixed_batch_stays_fixed() -> None:
    graph = capture(nn.Linear(4, 2), inputs={"x": (3, 4)})
    assert value_shape(graph.graph.inputs[0]) == (3, 4)


def test_a_module_that_refuses_an_open_batch_gets_a_batch_of_one() -> None:
    with pytest.warns(UserWarning, match="OneAtATime works for one batch size only"):
        graph = capture(OneAtATime(), inputs={"x": (None, 4)})
    assert value_shape(graph.graph.inputs[0]) == (1, 4)
    check(OneAtATime(), graph, {"x": random(1, 4)})


@pytest.mark.parametrize("sign", [-1, 1])
def test_torch_cond_is_kept_as_a_branch(sign: int) -> None:
    module = Branching()
    graph = capture(module, inputs={"x": (None, 4)})
    assert ops(graph)["If"] == 1
    check(module, graph, {"x": sign * np.abs(random(2, 4))})


def test_nodes_are_named_after_submodules() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    graph = capture(module, inputs={"x": (None, 3, 8, 8)})
    assert [node.name for node in graph.graph] == ["0/Conv", "2/Relu"]


def test_training_flags_are_as_before() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout()).train()
    module[0].eval()
    capture(module, inputs={"x": (None, 4)})
    assert [part.training for part in module.modules()] == [True, False, True]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_modules_of_16_bits_are_computed_in_32_and_stay_as_they_are(dtype: torch.dtype) -> None:
    module = nn.Linear(4, 2).to(dtype)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    (y,) = run(capture(module, inputs={"x": (None, 4)}), {"x": x})
    wanted = x @ module.weight.detach().float().numpy().T + module.bias.detach().float().numpy()
    np.testing.assert_allclose(y, wanted, atol=1e-6)
    assert module.weight.dtype == dtype


def test_a_python_if_is_refused_with_the_way_out() -> None:
    with pytest.raises(ModelError, match=r"PythonIf branches.*torch\.cond"):
        capture(PythonIf(), inputs={"x": (None, 4)})


def test_an_operator_that_torch_does_not_translate_is_named() -> None:
    with pytest.raises(ModelError, match=r"no translation of aten\.median, which Median uses"):
        capture(Median(), inputs={"x": (None, 4)})


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    capture(LinearRegression())
    with pytest.raises(ModelError):
        capture(PythonIf(), inputs={"x": (None, 4)})
    assert capfd.readouterr() == ("", "")


def test_missing_inputs_are_asked_for() -> None:
    with pytest.raises(InputError, match=r"Linear are not declared; put @edgesdk\.model"):
        capture(nn.Linear(4, 2))


@pytest.mark.parametrize("inputs", [{"x": (None, 5)}, {"x": (None, 4), "y": (None, 4)}])
def test_inputs_that_do_not_fit_forward_are_named(
    inputs: dict[str, tuple[int | None, ...]],
) -> None:
    with pytest.raises(ModelError, match=r"cannot export Linear for inputs x: float32"):
        capture(nn.Linear(4, 2), inputs=inputs)


def test_bad_weights_are_named() -> None:
    module = nn.Linear(4, 2)
    with torch.no_grad():
        module.weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"weight \(1 of 8\)"):
        capture(module, inputs={"x": (None, 4)})


SCRIPT = """
import sys, hashlib, torch
from torch import nn
from edgesdk.capture import capture
from edgesdk_quant.graph import to_bytes
torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
data = to_bytes(capture(net, inputs={"x": (None, 3, 8, 8)}))
assert sys.argv[1].encode() not in data
print(hashlib.sha256(data).hexdigest())
"""


@pytest.mark.slow
def test_two_folders_and_processes_give_the_same_bytes(tmp_path: Path) -> None:
    hashes = set()
    for name in ("one", "another"):
        script = tmp_path / name / f"{name}.py"
        script.parent.mkdir()
        script.write_text(SCRIPT)
        hashes.add(
            subprocess.run(
                [sys.executable, str(script), str(tmp_path)],
                cwd=script.parent,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
    assert len(hashes) == 1


def test_capturing_twice_gives_the_same_bytes() -> None:
    module = Branching()
    first = to_bytes(capture(module, inputs={"x": (None, 4)}))
    capture(LinearRegression())
    assert to_bytes(capture(module, inputs={"x": (None, 4)})) == first


class FusedAttention(nn.Module):
    """The mask makes torch choose a kernel whose result has other strides (BEiT, T5)."""

    def __init__(self) -> None:
        super().__init__()
        self.mask = nn.Parameter(torch.randn(2, 5, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = x.reshape(x.shape[0], 5, 2, 4).transpose(1, 2)
        mixed = nn.functional.scaled_dot_product_attention(heads, heads, heads, self.mask)
        return mixed.transpose(1, 2).reshape(x.shape[0], 5, 8)


def test_attention_with_a_learnt_bias_is_captured_with_an_open_batch() -> None:
    torch.manual_seed(0)
    module, x = FusedAttention(), torch.randn(3, 5, 8)
    graph = capture(module, inputs={"x": (None, 5, 8)})
    assert value_shape(graph.graph.inputs[0]) == (None, 5, 8)
    (y,) = run(graph, {"x": x.numpy()})
    np.testing.assert_allclose(y, module(x).detach().numpy(), atol=1e-5)


class CachedStep(nn.Module):
    """One step of a decoder: row `position` of the cache is written, and all rows are read."""

    def forward(self, x: torch.Tensor, position: torch.Tensor, cache: torch.Tensor) -> Any:
        cache = cache.clone()
        cache[:, position] = x
        return cache @ cache[0, position].transpose(-1, -2), cache


def test_int32_positions_index_as_int64_ones_do() -> None:
    cache, x = torch.randn(1, 6, 4), torch.randn(1, 1, 4)
    position = torch.tensor([3], dtype=torch.int32)
    inputs = {"x": x.numpy(), "position": position.numpy(), "cache": cache.numpy()}
    specs = {name: edgesdk.InputSpec(a.shape, str(a.dtype)) for name, a in inputs.items()}
    found = run(capture(CachedStep(), inputs=specs), inputs)
    for array, exact in zip(found, CachedStep()(x, position.long(), cache), strict=True):
        np.testing.assert_allclose(array, exact.numpy(), atol=1e-5)
