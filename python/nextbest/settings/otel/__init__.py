"""OpenTelemetry's environment variables -> what this process exports, where to, and what it is called.

Decided here once, for the spans of decisions (data plane) and for spans and metrics of the control plane:
neither reads the environment itself.
"""

from nextbest.settings.otel.destination import Destination
from nextbest.settings.otel.settings import SAMPLERS, Otel, read
from nextbest.settings.otel.variables import VARIABLES, Support, Variable

__all__ = ["SAMPLERS", "VARIABLES", "Destination", "Otel", "Support", "Variable", "read"]
