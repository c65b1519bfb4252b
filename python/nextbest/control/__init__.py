"""The control plane of a running server: running one, activating bundles, seeing what runs."""

from nextbest.control.operator import Activation, Operator, Status, TraceCounts

__all__ = ["Activation", "Operator", "Status", "TraceCounts"]
