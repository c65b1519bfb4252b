"""cel-cpp's judgement of an expression for a customer: true, false, or unknown (None) where it reports an
error.

Attributes are declared as dotted variables, and absent ones left out of the activation: reading one is then
an error, where a message field would give a default.
"""

from collections.abc import Mapping

from cel_expr_python import cel
from cel_grammar import ATTRIBUTES, DERIVED, NOW, Written, activation

_TYPES = {
    "bool": cel.Type.BOOL, "int": cel.Type.INT, "double": cel.Type.DOUBLE, "string": cel.Type.STRING,
    "timestamp": cel.Type.TIMESTAMP, "duration": cel.Type.DURATION,
    "list<string>": cel.Type.List(cel.Type.STRING), "list<int>": cel.Type.List(cel.Type.INT),
}  # fmt: skip
_ENVIRONMENT = cel.NewEnv(
    variables={
        **{a.reference: _TYPES[a.type] for a in ATTRIBUTES},
        **{"has_" + a.reference.replace(".", "_"): cel.Type.BOOL for a in ATTRIBUTES},
        "now": cel.Type.TIMESTAMP,
    }
)


class Oracle:
    """One expression."""

    def __init__(self, written: Written) -> None:
        self._expression = _ENVIRONMENT.compile(written.oracle)

    def truth(self, given: Mapping[str, object]) -> bool | None:
        """Judges it for attributes by their references; the action's among them."""
        value = self._expression.eval(given)
        return None if value.type() == cel.Type.ERROR else value.value()


_DERIVED = {reference: _ENVIRONMENT.compile(text) for reference, (_, _, text) in DERIVED.items()}


def prepare(given: Mapping[str, object]):
    """Attributes by their references -> what cel-cpp takes; derived ones are computed by it, too."""
    data = {reference: activation(value) for reference, value in given.items()}
    data |= {_presence(a.reference): a.reference in given for a in ATTRIBUTES}
    data["now"] = activation(NOW)
    for reference, expression in _DERIVED.items():
        value = expression.eval(data=data)
        data[_presence(reference)] = value.type() != cel.Type.ERROR
        if data[_presence(reference)]:
            data[reference] = value.plain_value()
    return _ENVIRONMENT.Activation(data)


def _presence(reference: str) -> str:
    return "has_" + reference.replace(".", "_")
