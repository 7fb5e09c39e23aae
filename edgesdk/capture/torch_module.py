"""Export an `nn.Module` through `torch.onnx.export(dynamo=True)`, with an open batch if it can."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import onnx_ir as ir

from edgesdk.capture.index_types import lengthen_indices
from edgesdk.capture.scopes import name_by_scope
from edgesdk.spec import ATTRIBUTE, InputSpec, input_specs
from edgesdk_quant.graph.opset import OPSET
from edgesdk_runtimes.errors import InputError, ModelError

EXAMPLE_BATCH = 2  # torch specialises on a batch of 1 (torch.export, "0/1 specialisation")
# What torch says, in any of its exceptions, when Python control flow reads a tensor's value.
DATA_DEPENDENT = ("data-dependent", "GuardOnDataDependent", "Dynamic control flow")
# And when it knows no ONNX for an operator.
UNTRANSLATED = re.compile(r"No ONNX function found for <OpOverload\(op='([\w.:]+)'")


def is_module(model: object) -> bool:
    """Whether an object is an `nn.Module`, asked without importing torch."""
    return any(base.__module__.startswith("torch.nn") for base in type(model).__mro__)


def export_module(module: Any, inputs: Mapping[str, Any] | None) -> ir.Model:
    """Export a module in evaluation mode; its training flags are as before afterwards.

    The batch stays open where the specs leave it open; a module that works for one batch size
    only is exported for a batch of 1.

    Args:
        module: the `nn.Module`; its parameters may be on any device.
        inputs: as in `capture`; None takes the declaration of the class.

    Warns:
        UserWarning: the batch was to stay open and is now 1.

    Raises:
        InputError: the inputs are not declared.
        ModelError: torch cannot export it.
    """
    module, specs = _in_float32(module, _specs(module, inputs))
    is_open = any(spec.shape and spec.shape[0] is None for spec in specs.values())
    with _evaluating(module), _quiet(), _plain_attention():
        try:
            return _export(module, specs, open_batch=is_open)
        except ModelError:
            if not is_open:
                raise
        model = _export(module, specs, open_batch=False)
    warnings.warn(
        f"{type(module).__name__} works for one batch size only, so it is captured for a batch of "
        "1. Declare another fixed first size to get that one.",
        stacklevel=3,
    )
    return model


def _in_float32(module: Any, specs: dict[str, InputSpec]) -> tuple[Any, dict[str, InputSpec]]:
    """A copy of a module in float16 or bfloat16, which few of its operators have on a CPU."""
    import torch

    halves = (torch.float16, torch.bfloat16)
    if not any(t.dtype in halves for t in (*module.parameters(), *module.buffers())):
        return module, specs
    wide = {n: replace(s, dtype="float32") if s.dtype == "float16" else s for n, s in specs.items()}
    return copy.deepcopy(module).float(), wide


def _specs(module: Any, inputs: Mapping[str, Any] | None) -> dict[str, InputSpec]:
    specs = input_specs(inputs) if inputs is not None else getattr(module, ATTRIBUTE, None)
    if specs is None:
        raise InputError(
            f"the inputs of {type(module).__name__} are not declared; put "
            '@edgesdk.model(inputs={"x": (None, 3, 224, 224)}) above the class '
            'or give inputs={"x": (None, 3, 224, 224)} in the order of its forward arguments'
        )
    return dict(specs)


def _export(module: Any, specs: Mapping[str, InputSpec], *, open_batch: bool) -> ir.Model:
    import torch

    examples = tuple(_example(module, spec, open_batch) for spec in specs.values())
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} if None in spec.shape[:1] else {} for spec in specs.values())
    try:
        program = torch.onnx.export(
            module,
            examples,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(specs),
            dynamic_shapes=shapes if open_batch else None,
            optimize=True,
            verbose=False,
        )
    except Exception as error:  # torch raises dozens of kinds here, all of them about the model
        raise ModelError(_reason(module, specs, error)) from error
    if program is None:
        raise ModelError(f"torch exported nothing for {type(module).__name__}; try a newer torch")
    lengthen_indices(program.model)
    name_by_scope(program.model)
    return program.model


def _example(module: Any, spec: InputSpec, open_batch: bool) -> Any:
    """Random floats in 0..1, or zeros: a valid index whatever it indexes."""
    import torch

    batch = EXAMPLE_BATCH if open_batch else 1
    sizes = [batch if size is None else size for size in spec.shape]
    dtype = getattr(torch, spec.dtype)
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    if not dtype.is_floating_point:
        return torch.zeros(sizes, dtype=dtype, device=device)
    random = torch.Generator().manual_seed(0)
    return torch.rand(sizes, generator=random, dtype=dtype).to(device)


def _reason(module: Any, specs: Mapping[str, InputSpec], error: BaseException) -> str:
    name = type(module).__name__
    causes = list(_causes(error))
    if any(sign in str(cause) for sign in DATA_DEPENDENT for cause in causes):
        return (
            f"{name} branches on the value of a tensor with a Python `if`, which cannot be "
            "captured; use torch.where for values or torch.cond(predicate, f, g, operands)"
        )
    unknown = UNTRANSLATED.search(" ".join(map(str, causes)))
    if unknown is not None:
        return (
            f"torch.onnx has no translation of {unknown[1]}, which {name} uses; write that step "
            "with other operators"
        )
    lines = [line.strip() for line in str(causes[-1]).splitlines() if line.strip()]
    given = ", ".join(f"{key}: {spec.dtype} {spec.shape}" for key, spec in specs.items())
    return (
        f"torch cannot export {name} for inputs {given} "
        f"({lines[0] if lines else type(causes[-1]).__name__}); check that the declared inputs are "
        "those of its forward method, and that it runs on them"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _plain_attention() -> contextlib.AbstractContextManager[None]:
    """Attention as the products that it is: fused kernels leave strides that torch cannot view."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel(SDPBackend.MATH)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """torch.onnx prints its progress, warns and logs stack traces; a user's screen is ours."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
