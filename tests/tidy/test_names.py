"""Files of tests have different names: pytest cannot collect two of one name together."""

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_files_of_tests_have_different_names() -> None:
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
