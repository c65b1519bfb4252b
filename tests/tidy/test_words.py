"""Texts that people read are free of the constructions that `banned_words.toml` lists."""

from pathlib import Path

import banned_words


def count_banned_words(root: Path) -> int:
    """Returns how many banned constructions this repository has outside the allow-list."""
    assert root == banned_words.ROOT
    return len([hit for hit in banned_words.hits(banned_words.files()) if not banned_words.is_allowed(hit)])


def count_allowed_words() -> int:
    """Returns the size of the allow-list."""
    return len(banned_words.table().allowed)


def test_each_construction_is_found() -> None:
    for construction in banned_words.table().constructions:
        assert construction.pattern.search(construction.found), construction.pattern.pattern


def test_phrases_are_found_across_lines_and_adjacent_comments(tmp_path: Path) -> None:
    source = (
        '# The call is\n# told of.\nx = (\n    "`x` is "\n    "no attribute"\n)\n"""What\n    it says."""\n'
    )
    path = tmp_path / "module.py"
    path.write_text(source)
    found = [
        hit for line, text in banned_words.prose(str(path)) for hit in banned_words.hits_in("", line, text)
    ]
    assert [(hit.line, hit.phrase) for hit in found] == [(2, "told"), (4, "is no attribute"), (8, "says")]


def test_no_text_has_them() -> None:
    names = banned_words.files()
    assert len(names) > 900
    assert [str(hit) for hit in banned_words.hits(names) if not banned_words.is_allowed(hit)] == []


def test_every_exception_is_needed() -> None:
    allowed = banned_words.table().allowed
    found = {(hit.file, hit.phrase) for hit in banned_words.hits(sorted({one.file for one in allowed}))}
    assert [one for one in allowed if (one.file, one.phrase) not in found] == []
    assert all(one.why for one in allowed)
