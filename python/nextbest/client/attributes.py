"""The Python values that an attribute of a customer or context may have."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

AttributeValue = bool | int | float | str | datetime | timedelta | Sequence[str] | Sequence[int] | None
Attributes = Mapping[str, AttributeValue]
