"""Constants and an operation on them -> the result, by cel-cpp itself."""

from datetime import datetime, timedelta
from typing import cast

from cel_expr_python import cel

from nextbest.expression.tree import Folded
from nextbest.expression.value import Constant, Duration, Timestamp


class NoResultError(Exception):
    """The expression has no result; `args[0]` is cel-cpp's message."""


class Evaluator:
    """Evaluates constant expressions; remembers those it has seen."""

    def __init__(self) -> None:
        self._env = cel.NewEnv()
        self._seen: dict[str, Folded | NoResultError] = {}

    def evaluate(self, text: str) -> Folded:
        """Evaluates CEL text without attributes.

        Raises:
            NoResultError: A division by zero, an overflow, a text that is not a timestamp, ...
        """
        if text not in self._seen:
            self._seen[text] = self._evaluate(text)
        result = self._seen[text]
        if isinstance(result, NoResultError):
            raise result
        return result

    def _evaluate(self, text: str) -> Folded | NoResultError:
        try:
            value = self._env.compile(text).eval()
        except RuntimeError as error:
            return NoResultError(str(error))
        if value.type() == cel.Type.ERROR:
            return NoResultError(str(value.value()))
        return _constant(value.plain_value())


def _constant(plain: object) -> Folded:
    match plain:
        case bool() | int() | float() | str():
            return plain
        case datetime():
            return Timestamp.of(plain)
        case timedelta():
            return Duration.of(plain)
        case list():
            return tuple([cast("Constant", _constant(item)) for item in plain])
    raise TypeError(f"{plain!r} has no type that expressions support")
