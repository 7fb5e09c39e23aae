"""Fine-tuning: a quantized graph as a module that learns, and the trainer."""

from edgesdk.training.module import TrainableGraph

__all__ = ["TrainableGraph"]
