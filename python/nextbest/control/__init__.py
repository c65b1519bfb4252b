"""The control plane of a running server: running one, activating bundles, seeing what runs."""

from nextbest.control.operator import (
    Activation,
    Operator,
    SecurityCounts,
    ShadowCounts,
    Status,
    TraceCounts,
)

__all__ = ["Activation", "Operator", "SecurityCounts", "ShadowCounts", "Status", "TraceCounts"]
