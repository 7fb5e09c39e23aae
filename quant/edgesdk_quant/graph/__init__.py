"""The graph: thin functions over onnx-ir that bring a model to its normal form."""

from edgesdk_quant.graph.file import clone, from_proto, load, to_bytes
from edgesdk_quant.graph.normal_form import normalize
from edgesdk_quant.graph.quantized import is_quantized
from edgesdk_quant.graph.values import (
    constant,
    consumers,
    new_initializer,
    node_named,
    scalar,
    static_shape,
    unique_name,
    value_names,
    value_shape,
)

__all__ = [
    "clone",
    "constant",
    "consumers",
    "from_proto",
    "is_quantized",
    "load",
    "new_initializer",
    "node_named",
    "normalize",
    "scalar",
    "static_shape",
    "to_bytes",
    "unique_name",
    "value_names",
    "value_shape",
]
