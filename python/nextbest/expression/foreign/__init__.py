"""Text in the syntax of SQL, spreadsheets, Python and JavaScript -> its equivalent in CEL.

Each rule reads tokens, so that it also works on text that cel-cpp cannot parse. A rule is applied only to
text with errors, and its proposal is compiled before it is shown (`repair`).
"""

from nextbest.expression.foreign.calls import find_call
from nextbest.expression.foreign.characters import find_character
from nextbest.expression.foreign.choices import find_choice
from nextbest.expression.foreign.idiom import Idiom
from nextbest.expression.foreign.literals import find_literal
from nextbest.expression.foreign.members import find_member
from nextbest.expression.foreign.operators import find_operator
from nextbest.expression.foreign.spreadsheets import find_formula, find_separator
from nextbest.expression.tokens import Tokens

RULES = (find_character, find_formula, find_literal, find_choice, find_separator, find_operator)

__all__ = ["Idiom", "find_call", "find_idiom", "find_member"]


def find_idiom(tokens: Tokens) -> Idiom | None:
    """Finds the first foreign construct that makes a text invalid; the order of the rules matters."""
    for rule in RULES:
        found = rule(tokens)
        if found is not None:
            return found
    return None
