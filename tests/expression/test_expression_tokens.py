"""Text -> tokens."""

import pytest

from nextbest.expression.tokens import Tokens


@pytest.mark.parametrize(
    "text", ["1 // one", "1 // one\n", "1 // one && 2\n// two", "// none\n1", "1 //", "/* 1 */ // x"]
)
def test_comments_are_not_tokens(text: str) -> None:
    assert {"one", "two", "none", "x", "2"}.isdisjoint(Tokens(text).words)
    assert "1" in Tokens(text).words


def test_texts_that_differ_in_comments_have_one_shape() -> None:
    assert Tokens("1 < 2 // one").shape == Tokens("1 < 2").shape == Tokens("3 // x\n < 4 // y").shape
