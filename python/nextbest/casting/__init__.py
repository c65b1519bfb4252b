"""Text, JSON and Arrow values -> values of a declared type, or the reason why not: the one room for it.

Whatever brings customers' values from outside passes here: files of customers, golden rows and background
samples, outcomes, personas, and what people type. A type comes from the schema, never from the look of a
value. The same text has the same meaning behind every door.

`cast` is for one value. `nextbest.casting.column` casts columns, `nextbest.casting.table` reads files;
they load polars, so that they are imported where they are needed.
"""

from nextbest.casting.refusal import CastError
from nextbest.casting.schema import Schema
from nextbest.casting.value import EXAMPLES, IDENTIFIER, MISSING, PHRASES, cast

__all__ = ["EXAMPLES", "IDENTIFIER", "MISSING", "PHRASES", "CastError", "Schema", "cast"]
