"""Ramps: their texts, where they end, and where latency bends."""

import pytest

from nextbest.load.ramp import STEPS_MAX, Climb, Ramp, RampError, Step, climb


def report(achieved, p99_us=300.0, *, sent=None, ok=None, errors=None):
    sent = achieved if sent is None else sent
    return {
        "sent": sent,
        "ok": sent if ok is None else ok,
        "achieved_per_s": achieved,
        "p99_us": p99_us,
        "errors": errors or {},
        "measured_s": 1.0,
    }


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("1000:4000:1000", [1000, 2000, 3000, 4000]),
        ("1000:4500:1000", [1000, 2000, 3000, 4000]),
        ("500:500:1", [500]),
        ("0.1:0.5:0.1", [0.1, 0.2, 0.3, 0.4, 0.5]),
    ],
)
def test_rates_rise_up_to_the_last(text, rates):
    assert Ramp.parse(text).rates == pytest.approx(rates)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1000", "is not of the form from:to:step"),
        ("1000:2000", "is not of the form from:to:step"),
        ("a:b:c", "is not of the form from:to:step"),
        ("0:2000:100", "does not rise"),
        ("2000:1000:100", "does not rise"),
        ("1000:2000:0", "does not rise"),
        ("1000:inf:10", "does not rise"),
        ("nan:2000:10", "does not rise"),
        ("1:1000:1", f"has more than {STEPS_MAX} steps"),
    ],
)
def test_texts_that_are_not_a_ramp(text, message):
    with pytest.raises(RampError, match=message):
        Ramp.parse(text)


def test_the_climb_ends_where_the_server_no_longer_keeps_up():
    answered = {1000: 1000.0, 2000: 1990.0, 3000: 2840.0, 4000: 2800.0}
    found = climb(answered, lambda rate: report(answered[rate]))
    assert [step.rate_per_s for step in found.steps] == [1000, 2000, 3000]
    assert (found.saturated_per_s, found.failed) == (3000, False)


def test_few_requests_are_judged_by_their_number():
    # 19 of 20: exactly the share; an answer that comes after the end makes the time longer.
    assert Step(20.0, report(19.1, sent=20, ok=19)).has_kept_up
    assert not Step(20.0, report(20.0, sent=20, ok=18)).has_kept_up
    assert not Step(20.0, report(18.9, sent=20, ok=20)).has_kept_up


def test_it_goes_on_beyond_for_the_given_number_of_steps():
    answered = {1000: 1000.0, 2000: 1500.0, 3000: 1400.0, 4000: 3990.0, 5000: 1000.0}
    run = lambda rate: report(answered[rate])  # noqa: E731 - a table
    for beyond, rates in ((0, [1000, 2000]), (2, [1000, 2000, 3000, 4000]), (9, list(answered))):
        found = climb(answered, run, beyond=beyond)
        assert [step.rate_per_s for step in found.steps] == rates
        # What is kept up with after it once was not, by luck, does not count.
        assert [step.rate_per_s for step in found.kept] == [1000]
        assert [step.rate_per_s for step in found.beyond] == rates[1:]
        assert (found.saturated_per_s, found.failed) == (2000, False)
    assert found.knee_per_s == 1000.0


def climbed(*p99s, last=None):
    steps = [Step(1000.0 * number, report(1000.0 * number, p99)) for number, p99 in enumerate(p99s, 1)]
    if last is not None:
        steps.append(Step(1000.0 * (len(p99s) + 1), report(500.0, last)))
    return Climb(steps)


def test_the_knee_is_where_rate_over_p99_is_greatest():
    assert climbed(300, 310, 320, 900, 4000).knee_per_s == 3000.0
    assert climbed(300, 310, 320, 900, last=90_000).knee_per_s == 3000.0
    # Held to the end of the ramp, and then not at all: that is where it bends.
    assert climbed(300, 310, 320, last=90_000).knee_per_s == 3000.0


def test_there_may_be_no_knee():
    assert climbed(300, 310, 320).knee_per_s is None
    assert climbed(last=300).knee_per_s is None


def test_failures_count_unless_the_server_was_asked_too_much():
    fine = Step(1000.0, report(1000.0))
    beyond = Step(2000.0, report(900.0, errors={"RESOURCE_EXHAUSTED": 1100}))
    sick = Step(1000.0, report(990.0, errors={"INTERNAL": 10}))
    assert not Climb([fine, beyond]).failed
    assert Climb([sick, beyond]).failed
    assert Climb([beyond]).failed


@pytest.mark.parametrize("error", [KeyboardInterrupt, ConnectionError])
def test_a_climb_that_ends_early_keeps_what_it_has(error):
    def run(rate):
        if rate == 3000:
            raise error
        return report(rate)

    ends = (KeyboardInterrupt, ConnectionError)
    found = climb([1000, 2000, 3000, 4000], run, ends=ends)
    assert [step.rate_per_s for step in found.steps] == [1000, 2000]
    assert isinstance(found.ended_by, error)
    with pytest.raises(error):
        climb([3000], run, ends=ends)


def test_other_errors_are_raised():
    def run(rate):
        if rate == 2000:
            raise RuntimeError("another error")
        return report(rate)

    with pytest.raises(RuntimeError, match="another error"):
        climb([1000, 2000], run)
