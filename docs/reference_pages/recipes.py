"""The recipes of tests/recipes -> a page each: the commands of its first lines, and the program."""

import re
from pathlib import Path
from typing import Final

RECIPES: Final = Path(__file__).parents[2] / "tests/recipes"
STEP: Final = re.compile(r"^//\s+\$ (.+)$", re.MULTILINE)
COMMENT: Final = re.compile(r"^// ?", re.MULTILINE)
PAGE: Final = """# {title}

For programmers who call nextbest from {title}: a complete program to copy and to change, with every command from an empty machine to the
first decision. [Languages](languages.md) describes what it does.

## Commands

{about}

Run the commands in the folder `tests/recipes/{folder}` of the sources:

```sh
{steps}
```

## Variables

{variables}

## Program

```{language}
{program}
```
"""


def write_go() -> str:
    """Writes the page of the Go recipe."""
    return _page("Go", "go", "go/main.go")


def write_java() -> str:
    """Writes the page of the Java recipe."""
    return _page("Java", "java", "java/src/main/java/nextbest/recipe/Recipe.java")


def write_node() -> str:
    """Writes the page of the Node recipe."""
    return _page("Node", "js", "node/main.js")


def _page(title: str, language: str, path: str) -> str:
    head, program = _split((RECIPES / path).read_text())
    plain = COMMENT.sub("", head)
    about = plain.split("From nothing: ")[1].split("\n\n")[0]
    variables = plain.split("Variables: ")[1]
    return PAGE.format(
        title=title,
        folder=path.partition("/")[0],
        about=" ".join((about[0].upper() + about[1:]).split()),
        steps="\n".join(STEP.findall(head)),
        variables=" ".join(variables.split()),
        language=language,
        program=program.strip(),
    )


def _split(text: str) -> tuple[str, str]:
    """Divides the comment of the first lines from the program."""
    lines = text.splitlines()
    end = next(index for index, line in enumerate(lines) if not line.startswith("//"))
    return "\n".join(lines[:end]), "\n".join(lines[end:])
