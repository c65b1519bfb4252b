"""Findings about a workspace or bundle: the error, its position, and the remedy.

`nextbest.diagnostics.rendering`, which loads Rich, writes them.
"""

from nextbest.diagnostics.codes import CODES
from nextbest.diagnostics.diagnostic import Diagnostic, Position, Severity
from nextbest.diagnostics.reference import explain, reference
from nextbest.diagnostics.remedy import Edit, Fix, Remedy

__all__ = [
    "CODES",
    "Diagnostic",
    "Edit",
    "Fix",
    "Position",
    "Remedy",
    "Severity",
    "explain",
    "reference",
]
