"""What one inference costs on an ARM core that is not at hand."""

from edgesdk_targets.estimate.estimate import (
    RUNTIMES,
    BlockCost,
    Estimate,
    SymbolCost,
    estimate,
)

__all__ = ["RUNTIMES", "BlockCost", "Estimate", "SymbolCost", "estimate"]
