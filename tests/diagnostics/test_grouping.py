"""Warnings that say the same of several things: one is shown whole, and `--json` has all."""

import json

from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.diagnostics.grouping import group
from nextbest.diagnostics.rendering import render_grouped, to_json

SOURCES = {"a.yaml": [f"line {number}" for number in range(1, 60)]}


def warning(message: str, line: int, code: str = "NB216", file: str = "a.yaml") -> Diagnostic:
    return Diagnostic(code, message, Position(file, line, 1), "do it", Severity.WARNING)


def rendered(*diagnostics: Diagnostic) -> list[str]:
    return render_grouped(diagnostics, SOURCES).plain.splitlines()


def test_names_that_differ_are_listed():
    lines = rendered(
        *(warning(f"the action `a{number}` has no treatments", number) for number in range(1, 43))
    )
    assert lines == [
        "warning[NB216]: the action `a1` has no treatments",
        " --> a.yaml:1:1",
        "  |",
        "1 | line 1",
        "  | ^",
        "  help: do it",
        "  and 41 more: `a2`, `a3`, `a4`, `a5`, `a6` and 36 others (`--json` lists all)",
        "",
        "42 warnings",
    ]


def test_places_are_listed_where_the_wording_is_equal_or_differs_in_more():
    equal = [warning("`x` is small", line, file=file) for file, line in (("a.yaml", 1), ("b.yaml", 2))]
    lines = rendered(*equal, *(warning("`x` is small", line) for line in (3, 4, 5)))
    assert "  and 4 more: b.yaml:2, a.yaml:3, :4, :5" in lines
    lines = rendered(*(warning(f"`x{line}` is not `y{line}`", line) for line in (1, 2, 3, 4)))
    assert "  and 3 more: a.yaml:2, :3, :4" in lines


def test_numbers_and_places_in_a_message_do_not_keep_warnings_apart():
    found = [warning(f"at most {line}.5, see b.yaml:{line}:3", line) for line in (1, 2, 3, 4)]
    assert [len(one.others) for one in group(found)] == [3]


def test_other_wordings_are_not_grouped_and_order_is_kept():
    few = [warning(f"`f{line}` is few", line) for line in (1, 5, 9)]
    many = [warning(f"`m{line}` is many", line) for line in (2, 3, 4, 6)]
    other = [warning(f"`m{line}` is many", line, code="NB217") for line in (7,)]
    found = sorted([*few, *many, *other], key=lambda one: one.position.line)
    groups = group(found)
    assert [one.first.position.line for one in groups] == [1, 2, 5, 7, 9]
    assert [len(one.others) for one in groups] == [0, 3, 0, 0, 0]


def test_other_expressions_are_something_else():
    found = [warning(f"`customer.age > {line}` never holds", line) for line in range(1, 9)]
    assert len(group(found)) == 8
    inherited = [warning(f"`customer.age > 3` never holds for `a{line}`", line) for line in range(1, 9)]
    assert [len(one.others) for one in group(inherited)] == [7]


def test_errors_and_findings_about_the_workspace_are_never_grouped():
    errors = [
        Diagnostic("NB201", "unknown key `x`", Position("a.yaml", line, 1), "no") for line in range(1, 9)
    ]
    whole = [Diagnostic("NB217", "no actions", None, "no", Severity.WARNING)] * 8
    assert len(group([*errors, *whole])) == 16


def test_machines_get_all():
    found = [warning(f"the action `a{line}` has no treatments", line) for line in range(1, 43)]
    assert len(json.loads(to_json(found))) == 42


def test_control_characters_of_a_name_are_not_written():
    lines = rendered(*(warning(f"`\x1b[3{line}m` is bad", line) for line in (1, 2, 3, 4)))
    assert not any("\x1b" in line for line in lines)
