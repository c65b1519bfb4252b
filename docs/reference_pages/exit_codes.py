"""The exit codes of the command line -> one page."""

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from nextbest.cli import exit_codes
from reference_pages.markdown import table

INTRODUCTION: Final = """# Exit codes

For authors of scripts, pipelines and service files: what the exit code of a `nextbest` command means. A number never changes its
meaning. [Operating a server](../operator/operating.md#exit-codes) describes them for `nextbest serve`.

"""


def write() -> str:
    """Writes the page."""
    rows = [
        *_codes(),
        (
            "128 + number",
            "",
            "The signal of that number ended a server: a second one, or one before it listened.",
        ),
    ]
    return INTRODUCTION + table(["code", "name", "meaning"], rows)


def _codes() -> Iterator[tuple[str, str, str]]:
    """Reads each code with the text below it, which Python itself does not keep."""
    tree = ast.parse(inspect.getsource(exit_codes.ExitCode))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef))
    for member, text in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(text, ast.Expr):
            name = ast.unparse(member.targets[0])
            yield str(exit_codes.ExitCode[name].value), f"`{name}`", ast.literal_eval(text.value)
