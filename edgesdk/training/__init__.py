"""Fine-tuning: a quantized graph as a module that learns, and the trainer."""

from edgesdk.training.finetune import Tuned, finetune
from edgesdk.training.module import TrainableGraph
from edgesdk.training.trainer import Epoch, parameter_groups

__all__ = ["Epoch", "TrainableGraph", "Tuned", "finetune", "parameter_groups"]
