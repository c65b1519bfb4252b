"""JSON text -> Python values; ambiguous or incomplete JSON is refused."""

import json
from decimal import Decimal
from typing import Any, Final

from nextbest.casting.number import EXACT_MAX
from nextbest.casting.refusal import CastError


class NotJsonError(CastError):
    """Text that is not JSON; it may be intended as plain text."""


def decode_json(content: str | bytes) -> Any:
    """Decodes one value, whose numbers are ints of any size and floats.

    Args:
        content: Text, or its bytes, which are UTF-8.

    Raises:
        NotJsonError: It is not JSON; `help` is empty, because only the caller knows the remedy.
        CastError: It is not UTF-8, has a key twice, NaN or Infinity, or is nested too deeply.
    """
    return _decode(content, _PLAIN)


def decode_json_exactly(content: str | bytes) -> Any:
    """Decodes one value as `decode_json`, but numbers keep their digits.

    Whole numbers are ints of any size; other numbers are floats unless a float would lose whole digits.
    """
    return _decode(content, _EXACT)


def _decode(content: str | bytes, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(content.decode() if isinstance(content, bytes) else content)
    except UnicodeDecodeError:
        raise CastError("not UTF-8", "save it as UTF-8, the encoding of JSON") from None
    except RecursionError:
        raise CastError(
            "nested too deeply", "write lists of texts or numbers, without lists inside lists"
        ) from None
    except ValueError as error:
        raise NotJsonError(f"not JSON: {error}", "") from None


def _with_each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise CastError(f"the key `{repeated}` appears more than once", "write each key once")
    return found


def _number(text: str) -> float | Decimal:
    number = float(text)
    if number.is_integer() and (abs(number) >= EXACT_MAX or not text.endswith(".0")):
        return Decimal(text)
    return number if abs(number) != float("inf") else Decimal(text)


def _constant(name: str) -> None:
    raise CastError(f"`{name}` is not JSON", "write null for a value that is missing")


# One decoder for all texts: creating a decoder takes longer than decoding a line.
_PLAIN: Final = json.JSONDecoder(parse_constant=_constant, object_pairs_hook=_with_each_key_once)
_EXACT: Final = json.JSONDecoder(
    parse_float=_number, parse_constant=_constant, object_pairs_hook=_with_each_key_once
)
