"""A quantized graph as an ordinary `nn.Module`: what it computes while it learns is what ships."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor, nn

from edgesdk.training.integer_graph import IntegerGraph
from edgesdk.training.layers import layer_biases
from edgesdk.training.learnt import LearntBias, LearntStep, LearntWeight
from edgesdk.training.real_constants import real_constants
from edgesdk.training.steps import learnable_steps
from edgesdk.training.stored import separate, stored_tensors
from edgesdk_quant.graph import clone, constant


class TrainableGraph(nn.Module):
    """Evaluates a quantized graph; its parameters are weights, biases, norms and steps.

    An optimizer that scales gradients (Adam) suits them: those of steps are sums over all that the
    step is for. `parameter_groups` gives each a rate in shares of its own size.
    """

    def __init__(self, model: ir.Model) -> None:
        """Take a quantized graph; it is left unchanged.

        Raises:
            UnsupportedError: it holds operators that no gradient passes; names all of them.
        """
        super().__init__()
        self._model = clone(model)
        graph = self._model.graph
        separate(graph)
        stored = list(stored_tensors(graph))
        self._graph = IntegerGraph(self._model)
        self.input_names = [str(value.name) for value in graph.inputs]
        weights = {s.name: LearntWeight(s) for s in stored if not s.is_bias}
        self._biases = [(b, LearntBias(b.stored)) for b in layer_biases(stored)]
        self._fixed = {b.x: _constant(graph, b.x) for b, _ in self._biases}
        self._weights, self._steps = weights, [LearntStep(s) for s in learnable_steps(graph)]
        reals = real_constants(graph)
        self._reals = {n: nn.Parameter(torch.from_numpy(a)) for n, a in reals.items()}
        # Registered, so that optimizers, state_dict() and the like know them.
        self.weights, self.steps = nn.ModuleList(weights.values()), nn.ModuleList(self._steps)
        self.biases = nn.ModuleList(bias for _, bias in self._biases)
        self.reals = nn.ParameterList(self._reals.values())

    def forward(self, *inputs: Tensor) -> Any:
        """The graph's output, or a tuple of them.

        Args:
            inputs: one for each input of the graph, in its order; dimension 0 is the batch.
        """
        outputs = self.outputs(*inputs)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def outputs(self, *inputs: Tensor) -> list[Tensor]:
        """The graph's outputs, in its order; inputs as in `forward`."""
        given = dict(zip(self.input_names, inputs, strict=True))
        return self._graph.outputs(self._graph.run(given, self.learnt()))

    def learnt(self) -> dict[str, Tensor]:
        """Everything that learns as the graph's initializers would hold it, all as float32."""
        found: dict[str, Tensor] = dict(self._reals)
        for step in self._steps:
            found |= dict.fromkeys(step.names, step())
        for weight in self._weights.values():
            found[weight.name], found[weight.scale_name] = weight()
        for place, bias in self._biases:
            weights = self._weights[place.weights].scale_name
            product = found.get(place.x, self._fixed[place.x]) * found[weights]
            found[bias.scale_name] = product.expand(bias.real.shape)
            found[bias.name] = bias(found[bias.scale_name])
        return found

    def settled(self) -> ir.Model:
        """A copy of the graph with what it has learnt."""
        model = clone(self._model)
        with torch.no_grad():
            found = {name: np.array(tensor.numpy()) for name, tensor in self.learnt().items()}
        for name, array in found.items():
            value = model.graph.initializers[name]
            kind = np.float32 if value.dtype is None else value.dtype.numpy()
            value.const_value = ir.tensor(array.astype(kind), name=name)
        return model


def _constant(graph: ir.Graph, name: str) -> Tensor:
    return torch.from_numpy(np.array(constant(graph.initializers[name]), np.float32))
