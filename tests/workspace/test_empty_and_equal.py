"""Collections with nothing in them or with too much, and treatments with one name: each has a place."""

import pytest

from nextbest import workspace


def found(folder) -> list[tuple[str, str, str]]:
    lines = workspace.compile(folder)
    return [
        (
            str(d.severity),
            d.code,
            lines.sources[d.position.file][d.position.line - 1][d.position.column - 1 :],
        )
        for d in lines.diagnostics
        if d.position is not None
    ] + [(str(d.severity), d.code, "") for d in lines.diagnostics if d.position is None]


def cards(treatments: str) -> str:
    return (
        "issue: sales\ngroup: cards\nactions:\n"
        f"  gold:\n    propensity: 0.1\n    treatments: [{treatments}]\n"
    )


@pytest.mark.parametrize(
    ("treatments", "marked", "remedy"),
    [
        ("{channel: web}, {channel: web}", "{channel: web}]", "remove one of the two"),
        (
            "{channel: web, eligibility: [{when: customer.age < 30}]}, {channel: web}",
            "{channel: web}]",
            "give each its own `name:`",
        ),
        ("{channel: web}, {channel: web, placement: hero, name: web}", "web}]", "remove one of the two"),
    ],
)
def test_treatments_with_one_name_are_marked(lay, treatments, marked, remedy):
    folder = lay({"actions/cards.yaml": cards(treatments)})
    assert found(folder) == [("error", "NB218", marked)]
    assert workspace.compile(folder).diagnostics[0].help.startswith(remedy)


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("actions/cards.yaml", cards(""), ("warning", "NB216", "treatments: []")),
        ("actions/cards.yaml", "issue: sales\ngroup: cards\nactions: {}\n", ("warning", "NB217", "cards")),
        (
            "channels.yaml",
            "channels: {web: {placements: {}}}\n",
            ("warning", "NB708", "web: {placements: {}}}"),
        ),
    ],
)
def test_empty_collections_are_reported(lay, file, text, expected):
    assert expected in found(lay({file: text}))


@pytest.mark.parametrize(
    ("file", "text", "marked"),
    [
        ("actions/cards.yaml", cards(", ".join(["{channel: web}"] * 1_001)), "["),
        (
            "channels.yaml",
            "channels: {web: {placements: {hero: {}, "
            + ", ".join(f"p{n}: {{}}" for n in range(1_000))
            + "}}}\n",
            "{hero: {}",
        ),
    ],
)
def test_more_than_a_server_takes_is_reported_where_it_is(lay, file, text, marked):
    severity, code, at = found(lay({file: text}))[0]
    assert (severity, code) == ("error", "NB205")
    assert at.startswith(marked)
