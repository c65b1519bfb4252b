"""A text with unusual code points -> why it differs from a typed text, and how to write it.

`é` is one code point, U+00E9, or an `e` and a combining accent, U+0065 U+0301. Both look the same, but are
not equal when texts are compared. Keyboards and most systems write the first, which is Unicode's normal form
C; file names of some systems and texts copied from documents have the second.
"""

import unicodedata


def usual(text: str) -> str:
    """The text in normal form C."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def unusual_spelling(text: str) -> tuple[str, str] | None:
    """A message and a remedy for a text that is not in normal form C; None for one that is."""
    written = usual(text)
    if written == text:
        return None
    odd = next(
        (
            character
            for character in text
            if unicodedata.combining(character) or usual(character) != character
        ),
        text[0],
    )
    message = f'`"{text}"` looks like "{written}" and is not equal to it: it contains U+{ord(odd):04X}'
    return message, f'write "{written}", as keyboards do (Unicode\'s normal form C)'
