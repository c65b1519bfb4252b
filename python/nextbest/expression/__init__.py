"""CEL expressions of a workspace, turned into the tables of a bundle.

    schema = Schema(attributes)
    expressions = Expressions(schema)
    clauses = expressions.condition(source, reason="a card needs an adult holder", action={"apr": 12.9})
    expressions.diagnostics     # everything wrong so far, each with its position
    expressions.tables          # what goes into the Bundle, as it is

Nothing here reads files: a `SourceText` has the text and maps its characters to positions in the file.
"""

from nextbest.expression.compiler import Expressions, Reference
from nextbest.expression.schema import Attribute, Root, Schema, Type
from nextbest.expression.source import SourceText
from nextbest.expression.tables import Tables
from nextbest.expression.time_zone import is_time_zone
from nextbest.expression.value import (
    Constant,
    Duration,
    Timestamp,
    ValueTextError,
    encode,
    parse_duration,
    parse_timestamp,
)

__all__ = [
    "Attribute",
    "Constant",
    "Duration",
    "Expressions",
    "Reference",
    "Root",
    "Schema",
    "SourceText",
    "Tables",
    "Timestamp",
    "Type",
    "ValueTextError",
    "encode",
    "is_time_zone",
    "parse_duration",
    "parse_timestamp",
]
