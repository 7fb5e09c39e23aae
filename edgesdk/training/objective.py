"""What a network shall learn: its labels, and what the float network says.

With labels it is the cross entropy, and beside it the divergence from the float network's answers
(Hinton et al. 2015, "Distilling the Knowledge in a Neural Network"). Without labels it is the
squared error of each output, relative to its power.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import onnx_ir as ir
import torch
from torch import Tensor
from torch.nn import functional

from edgesdk.training.samples import UNLABELLED
from edgesdk_quant.algorithms.distillation import relative_error
from edgesdk_quant.graph import value_shape
from edgesdk_quant.torch_graph import TorchGraph
from edgesdk_runtimes.errors import InputError

# Between an output and the Softmax that makes it.
PASSING = frozenset({"DequantizeLinear", "Flatten", "QuantizeLinear", "Reshape", "Squeeze"})
LEAST = 1e-7  # probability


@dataclass(frozen=True)
class Objective:
    """A loss of a batch.

    Attributes:
        teacher: the float network; None where only labels teach.
        classifies: there are labels: the first output tells classes.
        probabilities: it comes from a Softmax.
    """

    teacher: TorchGraph | None
    classifies: bool
    probabilities: bool

    def loss(self, inputs: dict[str, Tensor], outputs: list[Tensor], labels: Tensor) -> Tensor:
        """A number, float32 [].

        Args:
            inputs: of the graph, by name.
            outputs: of the network that learns.
            labels: int64 [N], -1 without; every sample has one where there is no teacher.
        """
        wanted = self._wanted(inputs)
        if not self.classifies:
            real = [i for i, target in enumerate(wanted) if target.is_floating_point()]
            return relative_error([outputs[i] for i in real], [wanted[i] for i in real])
        scores = self._log_probabilities(outputs[0])
        loss = functional.nll_loss(scores, labels, ignore_index=UNLABELLED, reduction="sum")
        if wanted:
            taught = self._log_probabilities(wanted[0])
            loss = loss + functional.kl_div(scores, taught, reduction="sum", log_target=True)
        return loss / len(labels)

    def _wanted(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        if self.teacher is None:
            return []
        with torch.no_grad():
            return self.teacher.outputs(self.teacher.run(inputs))

    def _log_probabilities(self, output: Tensor) -> Tensor:
        """float32 [N, classes]."""
        scores = output.flatten(1)
        if self.probabilities:
            return scores.clamp(min=LEAST).log()
        return functional.log_softmax(scores, dim=1)


def check_classes(model: ir.Model, most: int) -> None:
    """Refuse labels that the first output cannot tell.

    Args:
        model: what learns.
        most: the largest label.

    Raises:
        InputError: the output has fewer classes.
    """
    output = model.graph.outputs[0]
    sizes = (value_shape(output) or ())[1:]
    known = [size for size in sizes if size is not None]
    if len(known) == len(sizes) and most >= math.prod(known):
        raise InputError(
            f"A label is {most}, and output {output.name!r} tells {math.prod(known)} classes, "
            "from 0 on. Give labels that fit, or none."
        )


def gives_probabilities(model: ir.Model) -> bool:
    """Whether the first output comes from a Softmax."""
    node = model.graph.outputs[0].producer()
    while node is not None and node.op_type in PASSING:
        source = node.inputs[0]
        node = None if source is None else source.producer()
    return node is not None and node.op_type == "Softmax"
