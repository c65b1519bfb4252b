"""Text in the habits of SQL, spreadsheets, Python and JavaScript -> what CEL has for it.

Each rule looks at tokens, so that it also finds its habit in text that cel-cpp cannot parse. A rule is asked
only about text with errors, and what it proposes is compiled before anyone sees it (`repair`).
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
    """Finds the first habit that makes a text unreadable; the order of the rules matters, see each."""
    for rule in RULES:
        found = rule(tokens)
        if found is not None:
            return found
    return None
