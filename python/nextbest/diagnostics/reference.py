"""`reference.md` -> the meaning of each code, an example, and the remedy, for `nextbest check --explain`."""

import re
from functools import cache
from pathlib import Path

HEADING = re.compile(r"^### (NB\d{3}): (.+)$", re.MULTILINE)
CHAPTER = re.compile(r"^## ", re.MULTILINE)
FILE = Path(__file__).parent / "reference.md"


@cache
def reference() -> dict[str, tuple[str, str]]:
    """Reads the reference: by code, in its order, the title and the text below it (Markdown)."""
    text = FILE.read_text(encoding="utf-8")
    headings = list(HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return {
        heading[1]: (heading[2], CHAPTER.split(text[heading.end() : end])[0].strip())
        for heading, end in zip(headings, ends, strict=True)
    }


def explain(code: str) -> str | None:
    """Explains a code, in upper or lower case: its title, then the text; None if there is no such code."""
    found = reference().get(code.upper())
    if found is None:
        return None
    title, text = found
    return f"{code.upper()}: {title}\n\n{text}\n"
