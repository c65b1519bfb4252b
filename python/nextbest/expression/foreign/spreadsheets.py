"""Signs around spreadsheet formulas: `=` in front, `;` between arguments."""

from nextbest.expression.foreign.idiom import Idiom, separators
from nextbest.expression.tokens import Tokens


def find_formula(tokens: Tokens) -> Idiom | None:
    """Finds `=` at the beginning."""
    if len(tokens) < 2 or tokens.words[0] != "=" or tokens.words[1] in ("=", ">", "<", "~"):
        return None
    marked = tokens.stretch(0, 0)
    return Idiom("an expression does not begin with `=`", marked, (0, tokens.starts[1]), "", "remove it")


def find_separator(tokens: Tokens) -> Idiom | None:
    """Finds `;` between the arguments of a call."""
    for token in range(1, len(tokens)):
        if tokens.words[token] == "(" and tokens.is_name(token - 1):
            found = separators(token, tokens)
            if found:
                start, length = tokens.stretch(token, tokens.match(token))
                text = tokens.text
                places = [tokens.starts[place] for place in found]
                with_commas = "".join(
                    "," if place in places else text[place] for place in range(start, start + length)
                )
                marked = tokens.stretch(found[0], found[0])
                help_ = "write `,` between the arguments of a function"
                return Idiom("`;` does not separate arguments", marked, (start, length), with_commas, help_)
    return None
