"""The proof: float, simulation and each real runtime on the same data, and what differs where."""

from edgesdk.verification.causes import Cause
from edgesdk.verification.layers import LayerDamage
from edgesdk.verification.results import Border, RuntimeResult, Verification
from edgesdk.verification.verify import verify_artifact

__all__ = ["Border", "Cause", "LayerDamage", "RuntimeResult", "Verification", "verify_artifact"]
