"""Streams and batches of both clients, against a server as production runs it."""

import asyncio
import itertools
import signal
import threading
import time

import pytest

import nextbest
from nextbest import Question
from nextbest.client import errors
from nextbest.client.aio import AsyncClient
from nextbest.client.answers import Customer, Decision
from nextbest.client.streaming import UNDER_WAY_MAX

ADULT = {"age": 40, "income": 3000.0, "products": ["current-account"], "arrears_days": 0}
ASKED = {"channel": "web", "placements": {"hero": 1}, "context": {"page": "home"}}


@pytest.fixture(scope="module")
def shared(start_serving_once, starter):
    return start_serving_once(starter)


def question(age=40, **more):
    return Question(customer={**ADULT, "age": age}, **{**ASKED, **more})


def batch_sync(address, customers, **question):
    with nextbest.Client(address, timeout_s=10.0) as client:
        return client.decide_batch(customers, **question)


def batch_async(address, customers, **question):
    async def ask():
        async with AsyncClient(address, timeout_s=10.0) as client:
            return await client.decide_batch(customers, **question)

    return asyncio.run(ask())


def stream_sync(address, questions, seen=None, **options):
    answered = [] if seen is None else seen
    with nextbest.Client(address, timeout_s=10.0) as client:
        answered += client.decide_stream(questions, **options)
    return answered


def stream_async(address, questions, seen=None, **options):
    answered = [] if seen is None else seen

    async def ask():
        async with AsyncClient(address, timeout_s=10.0) as client:
            async for answer in client.decide_stream(questions, **options):
                answered.append(answer)

    asyncio.run(ask())
    return answered


both_batches = pytest.mark.parametrize("batch", [batch_sync, batch_async])
both_streams = pytest.mark.parametrize("stream", [stream_sync, stream_async])


def hero(decision):
    assert isinstance(decision, Decision)
    return [action.action for action in decision["hero"]]


@both_batches
def test_a_batch_answers_in_order(shared, batch):
    with nextbest.Client(shared.decisions, timeout_s=10.0) as client:
        client.customers.upsert([("stored", ADULT)])
    customers = ["stored", ("young", {**ADULT, "age": 17}), Customer("other", ADULT), ("wrong", {"age": "x"})]
    stored, young, other, wrong = batch(shared.decisions, customers, **ASKED)
    assert hero(stored) == hero(other) == ["gold-card"]
    assert "gold-card" not in hero(young)
    assert isinstance(wrong, errors.InvalidRequest)
    assert wrong.field == "customer[0].value"


@both_batches
def test_more_than_one_call_takes(shared, batch):
    customers = [(f"c-{index}", {**ADULT, "age": 17 + index % 2}) for index in range(2_001)]
    decisions = batch(shared.decisions, customers, **ASKED)
    with_card = ["gold-card" in hero(decision) for decision in decisions]
    assert with_card == [index % 2 == 1 for index in range(2_001)]
    assert batch(shared.decisions, [], **ASKED) == []


@both_batches
def test_attributes_without_an_id_are_decided_on(shared, batch):
    young, adult = batch(shared.decisions, [{**ADULT, "age": 17}, ADULT], **ASKED)
    assert "gold-card" not in hero(young)
    assert "gold-card" in hero(adult)


@both_batches
def test_a_question_that_is_wrong_for_all(shared, batch):
    answers = batch(shared.decisions, ["a", "b"], **{**ASKED, "channel": "fax"})
    assert [type(answer) for answer in answers] == [errors.InvalidRequest] * 2
    with pytest.raises(errors.InvalidRequest, match=r"a list of customers, .* is needed"):
        batch(shared.decisions, "c-1", **ASKED)


@both_streams
def test_each_question_comes_back_with_its_answer(shared, stream):
    asked = [question(age=17 + index % 2) for index in range(3 * UNDER_WAY_MAX)]
    answered = stream(shared.decisions, asked)
    assert {id(found) for found, _ in answered} == {id(sent) for sent in asked}
    for found, decision in answered:
        assert ("gold-card" in hero(decision)) == (found.customer["age"] == 18)


@both_streams
def test_an_invalid_question_fails_alone(shared, stream):
    good, bad = question(), question(channel="fax")
    answered = {id(found): answer for found, answer in stream(shared.decisions, [good, bad, good])}
    assert hero(answered[id(good)]) == ["gold-card"]
    assert isinstance(answered[id(bad)], errors.InvalidRequest)
    assert answered[id(bad)].field == "channel"


@both_streams
@pytest.mark.parametrize(
    ("questions", "field"), [([{"channel": "web"}], "questions[0]"), (5, "questions"), ({}, "questions")]
)
def test_what_is_not_a_question(shared, stream, questions, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        stream(shared.decisions, questions)
    assert caught.value.field == field


@both_streams
def test_what_the_questions_raise_comes_out(shared, stream):
    def questions():
        yield question()
        yield question()
        raise LookupError("no more customers")

    seen = []
    with pytest.raises(LookupError, match="no more customers"):
        stream(shared.decisions, questions(), seen)
    assert len(seen) == 2
    with pytest.raises(errors.InvalidRequest, match="contributions_top"):
        stream(shared.decisions, [question(contributions_top=-1)])


def slowly(stream, count, pause_s):
    """Questions with pauses, in the form that does not hold up the client."""

    def questions():
        for _ in range(count):
            yield question()
            time.sleep(pause_s)

    async def questions_async():
        for _ in range(count):
            yield question()
            await asyncio.sleep(pause_s)

    return questions() if stream is stream_sync else questions_async()


@both_streams
@pytest.mark.parametrize("pause_s", [0.0, 0.02, 2.0])
def test_the_deadline_of_a_stream(shared, stream, pause_s):
    seen = []
    with pytest.raises(errors.DeadlineExceeded, match=r"within 0\.3 s"):
        stream(shared.decisions, slowly(stream, 10_000, pause_s), seen, timeout_s=0.3)
    assert seen


def endless(drawn):
    for index in itertools.count():
        drawn.append(index)
        yield question()


def test_leaving_early_cancels(shared):
    drawn = []
    with nextbest.Client(shared.decisions, timeout_s=10.0) as client:
        answers = client.decide_stream(endless(drawn))
        next(answers)
        answers.close()
        count = len(drawn)
        time.sleep(0.1)
        assert len(drawn) <= count + 1 <= 2 * UNDER_WAY_MAX
        assert hero(client.decide(customer=ADULT, **ASKED)) == ["gold-card"]


def test_unread_answers_stop_the_questions(shared):
    drawn = []
    with nextbest.Client(shared.decisions, timeout_s=10.0) as client:
        answers = client.decide_stream(endless(drawn))
        next(answers)
        time.sleep(0.5)
        assert len(drawn) <= UNDER_WAY_MAX + 3
        answers.close()


@pytest.mark.slow
@both_streams
def test_a_server_that_stops_names_what_has_no_answer(start_serving, starter, stream):
    serving = start_serving(starter)
    asked = threading.Event()
    first, second = question(), question(age=17)

    def questions():
        yield first
        asked.set()
        time.sleep(1.5)
        yield second

    def stop():
        asked.wait(10.0)
        time.sleep(0.3)
        serving.process.send_signal(signal.SIGTERM)

    stopper = threading.Thread(target=stop)
    stopper.start()
    seen = []
    with pytest.raises(errors.Unavailable) as caught:
        stream(serving.decisions, questions(), seen)
    stopper.join()
    assert [found for found, _ in seen] == [first]
    # The second was never sent, or has no answer.
    assert caught.value.unanswered in ((), (second,))
    code, _, _ = serving.wait()
    assert code == 0


@both_streams
def test_a_server_that_is_not_there(stream):
    with pytest.raises(errors.Unavailable):
        stream("127.0.0.1:1", [question()])
