"""Text, JSON and Arrow values -> values of a declared type, or the reason why a value does not fit.

Every value of a customer that comes from outside is cast here: from files of customers, golden rows,
background samples, outcomes, personas and the command line. The type comes from the schema and is never
guessed from the value. The same text has the same meaning everywhere.

`cast` casts one value. `nextbest.casting.column` casts columns and `nextbest.casting.table` reads files; both
load polars, so import them only where they are needed.
"""

from nextbest.casting.refusal import CastError
from nextbest.casting.schema import Schema
from nextbest.casting.value import EXAMPLES, IDENTIFIER, MISSING, PHRASES, cast

__all__ = ["EXAMPLES", "IDENTIFIER", "MISSING", "PHRASES", "CastError", "Schema", "cast"]
