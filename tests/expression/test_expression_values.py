"""Constants and patterns mean what they mean to cel-cpp, or are refused."""
# ruff: noqa: E501, RUF001 - tables

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from bank_schema import declare, source
from cel_expr_python import cel
from engine_judge import EngineJudge
from hypothesis import given, settings
from hypothesis import strategies as st

from nextbest.expression import (
    Duration,
    Expressions,
    Schema,
    Timestamp,
    Type,
    ValueTextError,
    encode,
    parse_duration,
    parse_timestamp,
)
from nextbest.expression.pattern import PATTERN_BYTES_MAX, PatternError, carry_over
from nextbest.expression.time_zone import is_time_zone

CEL = cel.NewEnv(variables={"text": cel.Type.STRING})


def evaluate(expression: str, **data: object) -> object:
    value = CEL.compile(expression).eval(data=data)
    return None if value.type() == cel.Type.ERROR else value.plain_value()


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))


@given(MOMENTS, st.sampled_from(("Z", "z", "+00:00", "-08:00", "+05:45")), st.integers(0, 6))
def test_timestamps_read_as_cel_reads_them(moment: datetime, zone: str, digits: int) -> None:
    fraction = f".{moment.microsecond:06}"[: digits + 1] if digits else ""
    text = moment.strftime("%Y").zfill(4) + moment.strftime("-%m-%dT%H:%M:%S") + fraction + zone
    assert Timestamp.of(evaluate("timestamp(text)", text=text)) == parse_timestamp(text)


@given(MOMENTS)
def test_timestamps_read_back(moment: datetime) -> None:
    timestamp = Timestamp.of(moment.replace(tzinfo=UTC))
    assert parse_timestamp(str(timestamp)) == timestamp


@given(st.integers(-(10**17), 10**17).map(Duration))
def test_durations_read_back(duration: Duration) -> None:
    assert parse_duration(str(duration)) == duration
    assert evaluate("duration(text)", text=str(duration)) == timedelta(microseconds=duration.us)


@pytest.mark.parametrize(
    "text",
    [
        "1h",
        "1h30m",
        "-90s",
        "1.5h",
        "250ms",
        "3us",
        "0",
        "+2m",
        "1000ns",
        "1h-3m",
        "1d",
        "",
        "h",
        "1",
        "1.5.5s",
        "87660001h",
        "9" * 5_000 + "h",
    ],
)
def test_durations_read_as_cel_reads_them(text: str) -> None:
    expected = evaluate("duration(text)", text=text)
    try:
        assert timedelta(microseconds=parse_duration(text).us) == expected
    except ValueTextError:
        assert expected is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-02-30T00:00:00Z", "no such date"),
        ("2026-02-20", "write a timestamp as"),
        ("2026-02-20T10:00:00", "write a timestamp as"),
        ("2026-02-20T10:00:00.1234567Z", "six digits"),
        ("0001-01-01T00:00:00+23:00", "no such date|years"),
    ],
)
def test_timestamps_that_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueTextError, match=reason):
        parse_timestamp(text)


def test_durations_below_a_microsecond_are_refused() -> None:
    for text in ("1ns", "1.0000001s", "1.5us"):
        with pytest.raises(ValueTextError, match="microseconds"):
            parse_duration(text)


def test_encode_takes_only_what_fits() -> None:
    assert encode(3, Type.DOUBLE).double == 3.0
    assert encode((), Type.INT_LIST).WhichOneof("kind") == "ints"
    for constant, type_ in (
        (True, Type.INT),
        (1, Type.BOOL),
        (1.0, Type.INT),
        ("a", Type.TIMESTAMP),
        (("a",), Type.INT_LIST),
        ((1,), Type.STRING),
    ):
        with pytest.raises(TypeError):
            encode(constant, type_)


PATTERNS = [
    r"^a", r"a$", r"[0-9]+", r"\d+", r"\D", r"[\d_]+$", r"[^\d]", r"\w\W\w", r"[\W]", r"\s", r"\S+\s\S+", r"\bfoo\b", r"(?i)straße", r"(?i)K",
    r"^.$", r"(?s)a.b", r"(?m)^b", r"[[:alpha:]]+", r"[[:^alpha:]]", r"[]a]", r"[^]a]", r"[a&&b]", r"[[a]", r"[~~]", r"a{2}", r"a{2,}", r"a{b}",
    r"a{,3}", r"{", r"}", r"\{", r"\.", r"\<x\>", r"\_", r"\-", r"[\-a]", r"[a\]]", r"\x41", r"\x{1F600}", r"\pL+", r"\p{Greek}", r"\P{Greek}",
    r"(a|b)*c", r"(?P<name>a)", r"a??", r"x*?y", r"\t|\n", r"\Aab\z", r"日|本", r"[α-ω]", r"", r"|", r"()", r"(?:)", r"[.]", r"[$^]", r"[a-]",
]  # fmt: skip
TEXTS = [
    "", "a", "ab", "b\na", "a\nb", "0", "９", "x_1", "é", "K", "STRASSE", "straße", "foo bar", "foobar", "a foo é", "éfoo", "]", "[", "&", "~",
    "aa", "aaa", "a{b}", "a{,3}", "{", "}", "<x>", "_", "-", "A", "\U0001f600", "αβγ", "\t", "\u00a0", "\u2028", "\x0b", ".", "日", "abc", "$^",
]  # fmt: skip


def test_patterns_match_as_re2_matches() -> None:
    expressions = Expressions(Schema([declare("customer.name", "string")]))
    taken, conditions = [], []
    for line, pattern in enumerate(PATTERNS, 1):
        quoted = pattern.replace("\\", "\\\\").replace("'", "\\'")
        known = len(expressions.diagnostics)
        clauses = expressions.condition(source(f"customer.name.matches('{quoted}')", line))
        codes = [d.code for d in expressions.diagnostics[known:]]
        if "NB408" in codes:
            continue
        taken.append((pattern, CEL.compile(f"text.matches('{quoted}')")))
        conditions.append(clauses)
    assert len(taken) >= len(PATTERNS) - 3
    engine = EngineJudge(expressions.tables, conditions, [declare("customer.name", "string")])
    for text in TEXTS:
        found = engine.truths({"customer.name": text}, Timestamp(0))
        expected = [program.eval(data={"text": text}).value() for _, program in taken]
        assert {p: (f, e) for (p, _), f, e in zip(taken, found, expected, strict=True) if f is not e} == {}, (
            repr(text)
        )


def test_patterns_that_are_refused() -> None:
    for pattern in (
        r"\C",
        r"\Qa.b\E",
        r"\B",
        r"\101",
        r"\p{^Greek}",
        "a" * (PATTERN_BYTES_MAX + 1),
        r"[a--b]",
    ):
        with pytest.raises(PatternError):
            carry_over(pattern)


def test_the_engine_knows_every_time_zone_of_the_list() -> None:
    names = files("nextbest.expression").joinpath("time_zones.txt").read_text().splitlines()[1:]
    expressions = Expressions(Schema([declare("customer.since", "timestamp")]))
    conditions = [
        expressions.condition(source(f"customer.since.getHours('{name}') < 12", line))
        for line, name in enumerate(names, 1)
    ]
    assert expressions.diagnostics == []
    engine = EngineJudge(expressions.tables, conditions, [declare("customer.since", "timestamp")])
    assert set(engine.truths({"customer.since": Timestamp(0)}, Timestamp(0))) == {True, False}
    assert not is_time_zone("Europe/Nowhere")
    assert is_time_zone("-08:00")
    assert not is_time_zone("+25:00")


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    expressions = Expressions(Schema([declare("customer.name", "string")]))
    for each in (text, f"customer.name == {text}", f"customer.{text}", f"customer.name.matches('{text}')"):
        expressions.condition(source(each))
    assert all(d.position.length >= 1 for d in expressions.diagnostics)


FRAGMENTS = ["customer.name", "customer.nam", "customer", "now", "1", "'a'", "(", ")", "[", "]", "{", "}", "&&", "||", "!", "==", ">", "+", "-", "?",
             ":", ",", ".", "in", "has", "size", "exists", "x", "null", "3u", "b'x'", "1.5", "and", "=", "\\", '"', "'", "//", "\n", "é", "true"]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12), st.sampled_from(("", " ")))
def test_no_jumble_of_words_makes_it_fail(words: list[str], glue: str) -> None:
    text = glue.join(words)
    expressions = Expressions(Schema([declare("customer.name", "string")]))
    expressions.condition(source(text))
    for d in expressions.diagnostics:
        assert 1 <= d.position.column <= len(text) + 1
        assert d.message
        assert d.help
