"""Characters of word processors, web pages and other alphabets -> those that CEL reads."""

import re
import unicodedata

from nextbest.expression.foreign.idiom import Idiom
from nextbest.expression.tokens import Tokens

# Typographic quotation marks, and their equivalents.
QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u00b4\uff02\uff07`"
_QUOTED = re.compile(f"[{QUOTES}\"']([^{QUOTES}\"'\\\\\n]*)[{QUOTES}\"']")
_SIGNS = {
    "\u2265": ">=", "\u2264": "<=", "\u2260": "!=", "\u2212": "-", "\u2013": "-", "\u2014": "-",
    "\u00d7": "*", "\u00f7": "/", "\u2227": "&&", "\u2228": "||", "\u00ac": "!", "\u2208": "in",
    "\u21d2": ">=",
}  # fmt: skip
_FULL_WIDTH = re.compile("[\uff01-\uff0f\uff1a-\uff20\uff3b-\uff3d\uff5b-\uff5d]+")
_READ = frozenset("!&|=<>()[]{}+-*/%?:.,")
_ABSENT = {
    "\u2209": ("write `!(value in [...])`", "not in"),
    "\u2295": ("write `a != b` for one of two conditions but not both", None),
}
# Letters of other alphabets that look like Latin ones.
_ALIKE = dict(
    zip(
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u0410\u0412\u0415\u041a\u041c"
        "\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u03bf\u03b1\u03c1\u03bd\u03b9\u0391\u0392\u0395\u0397\u0399"
        "\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7\u0131",
        "aeopcyxijshdABEKMHOPCTXIoapviABEHIKMNOPTXi",
        strict=True,
    )
)
_WORD = re.compile(r"\w+")


def find_character(tokens: Tokens) -> Idiom | None:
    """Finds a character outside of texts that is not CEL, and its intended equivalent."""
    if tokens.text.isascii() and "`" not in tokens.text:
        return None
    for word, start in zip(tokens.words, tokens.starts, strict=True):
        if len(word) == 1 and (word == "`" or not word.isascii()):
            found = _explain(word, start, tokens.text)
            if found is not None:
                return found
    return None


def _explain(  # noqa: PLR0911 - one for each kind of character
    character: str, start: int, text: str
) -> Idiom | None:
    here = (start, 1)
    category = unicodedata.category(character)
    if category == "Zs":
        name = _name(character)
        message = f"there is {name} here, which looks like a space"
        return Idiom(message, here, here, " ", "replace it by a space")
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f":
        message = f"there is an invisible character here: {_name(character)}"
        return Idiom(message, here, here, "", "remove it")
    if category == "Sc":
        # Amounts in euros and pounds have a rule themselves.
        message = f"`{character}` is a currency sign"
        return (
            None if character in "\u20ac\u00a3" else Idiom(message, here, here, "", "write the number alone")
        )
    if character in QUOTES:
        message = f"`{character}` is not a quotation mark of the language"
        quoted = _QUOTED.match(text, start)
        replacement = f'"{quoted[1]}"' if quoted else None
        stretch = (start, quoted.end() - start) if quoted else here
        help_ = "write text in straight quotes: \"text\" or 'text'"
        return Idiom(message, (start, 1), stretch, replacement, help_)
    if character in _SIGNS:
        sign = _SIGNS[character]
        message = f"`{character}` is not an operator of the language"
        return Idiom(message, here, here, _apart(sign, start, text), f"write `{sign}`")
    if character in _ABSENT:
        help_, word = _ABSENT[character]
        replacement = _apart(word, start, text) if word else None
        return Idiom(f"`{character}` is not an operator of the language", here, here, replacement, help_)
    if category.startswith("N") and not _latin(character).isascii():
        message = f"`{character}` is not a digit of the language"
        help_ = "digits are 0 to 9: write a power as a product, `2 * 2`, and a fraction as `0.5`"
        return Idiom(message, here, here, None, help_)
    return _full_width(start, text) or _letter(character, start, text)


def _apart(sign: str, start: int, text: str) -> str:
    """An operator for a character; a word is kept apart from its operands."""
    if not sign[0].isalpha():
        return sign
    before = "" if text[:start].endswith(" ") else " "
    return f"{before}{sign}" if text[start + 1 :].startswith(" ") else f"{before}{sign} "


def _full_width(start: int, text: str) -> Idiom | None:
    """Characters of East Asian keyboards in their full-width forms."""
    found = _FULL_WIDTH.match(text, start)
    if found is None:
        return None
    signs = unicodedata.normalize("NFKC", found[0])
    if not _READ.issuperset(signs):
        return None
    stretch = (start, len(signs))
    message = f"`{found[0]}` is written in full-width characters"
    return Idiom(message, stretch, stretch, signs, f"write `{signs}`")


def _letter(character: str, start: int, text: str) -> Idiom | None:
    """A letter in a name, which has only those of ASCII."""
    if not _WORD.fullmatch(character):
        return None
    first = start
    while first > 0 and _WORD.fullmatch(text[first - 1]):
        first -= 1
    word = _WORD.match(text, first)
    if word is None:
        return None
    latin = "".join(map(_latin, word[0]))
    stretch = (first, len(word[0]))
    if latin.isascii():
        marked = word[0].replace(character, f"[{character}]", 1)
        message = f"`{marked}` has a letter that is not Latin, although it looks Latin: {_name(character)}"
        return Idiom(message, (start, 1), stretch, latin, f"write `{latin}`")
    message = f"`{character}` cannot be part of a name"
    return Idiom(message, (start, 1), stretch, None, f'text is written in quotes: `"{word[0]}"`')


def _latin(letter: str) -> str:
    return _ALIKE.get(letter) or (unicodedata.normalize("NFKC", letter) if _is_alike(letter) else letter)


def _is_alike(character: str) -> bool:
    """Whether a letter or digit means what the plain one does; `5\u00b2` is not 52."""
    is_raised = unicodedata.decomposition(character).startswith(("<super>", "<sub>"))
    return not is_raised and (character.isalpha() or character.isdecimal())


def _name(character: str) -> str:
    name = unicodedata.name(character, "a character").lower()
    name = re.sub("cyrillic|greek|latin", lambda script: script[0].capitalize(), name)
    article = "" if name.startswith("a ") else "an " if name[:1] in "aeiou" else "a "
    return f"{article}{name} (U+{ord(character):04X})"
