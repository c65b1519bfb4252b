"""A bundle of the demo bank and questions with recorded answers: none of them changes by accident.

The bundle is a file, so that an answer depends neither on trainers nor on the compiler. Texts of explanations
are left out: their wording may change, what they are about may not. With NEXTBEST_BLESS set, the answers are
recorded again; a change of them is starred in the changelog.

`python tests/oracle/test_recorded_decisions.py` makes the bundle and the questions again, from the demo of
today; that changes all answers, and is needed only if the format of bundles changes.
"""

import json
import lzma
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

pytest.importorskip("nextbest._core")

from nextbest import _core, bundle, workspace
from nextbest.client.encoding import assemble, assemble_explain
from nextbest.client.values import encode_attributes, to_microseconds
from nextbest.demo import bank, questions
from nextbest.models import locate_runtime
from nextbest.v1 import customer_pb2, decision_pb2
from nextbest.workspace.definitions import moment_us

FOLDER = Path(__file__).with_name("recorded")
BUNDLE = FOLDER / "bank.bundle.xz"
QUESTIONS = FOLDER / "questions.json.xz"
ANSWERS = FOLDER / "answers.json.xz"
CUSTOMERS = 60
EXPLAINED_EVERY = 6
# Fields with sentences for people; other fields have the same contents.
TEXTS = {"text", "reason_text", "changes", "required", "refusal", "no_result"}


def read(path: Path) -> list[dict]:
    return json.loads(lzma.decompress(path.read_bytes()))


def write(path: Path, content: list[dict]) -> None:
    path.write_bytes(lzma.compress(json.dumps(content, indent=0, sort_keys=True).encode()))


def answers() -> Iterator[dict]:
    core = _core.Bundle(lzma.decompress(BUNDLE.read_bytes()), onnxruntime_path=locate_runtime())
    for number, question in enumerate(read(QUESTIONS)):
        stored = json_format.ParseDict(question["stored"], customer_pb2.Customer()).SerializeToString()
        options = {"now_us": question["now_us"], "seed": number}
        if "explain" in question:
            asked = json_format.ParseDict(question["explain"], decision_pb2.ExplainRequest())
            found = core.explain(asked.SerializeToString(), stored, **options)
            answer: Message = decision_pb2.ExplainResponse.FromString(found)
        else:
            asked = json_format.ParseDict(question["decide"], decision_pb2.DecideRequest())
            answer = decision_pb2.DecideResponse.FromString(
                core.decide(asked.SerializeToString(), stored, **options)
            )
        clear_texts(answer)
        yield json_format.MessageToDict(answer)


def clear_texts(message: Message) -> None:
    for field, value in message.ListFields():
        if field.name in TEXTS and field.type == FieldDescriptor.TYPE_STRING:
            message.ClearField(field.name)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                if isinstance(part, Message):
                    clear_texts(part)


def test_no_answer_has_changed():
    found = list(answers())
    if os.environ.get("NEXTBEST_BLESS"):
        write(ANSWERS, found)
    recorded = read(ANSWERS)
    assert len(found) == len(recorded)
    for number, (answer, expected) in enumerate(zip(found, recorded, strict=True)):
        assert answer == expected, f"question {number}"


def test_the_questions_reach_every_stage():
    """What is recorded is worth recording: placed, explained, with contributions, and lost at every stage."""
    text = json.dumps(read(ANSWERS))
    stages = ["AVAILABILITY", "ELIGIBILITY", "APPLICABILITY", "SUITABILITY", "TREATMENT", "ARBITRATION"]
    assert [stage for stage in stages if stage not in text] == []
    assert "contributions" in text


def record() -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        made = bank.prepare(Path(folder), customer_count=2_000, now=now)
        compiled = workspace.compile(made.workspace, now_us=moment_us("2026-06-15"))
        sealed = bundle.seal(compiled.bundle)
    recorded = []
    for channel in questions.PLACEMENTS:
        rows = made.customers.head(CUSTOMERS).iter_rows(named=True)
        for place, (row, moment) in enumerate(
            zip(rows, questions.moments(channel, CUSTOMERS, seed=29), strict=True)
        ):
            customer_id = row.pop("customer_id")
            present = {name: value for name, value in row.items() if value is not None}
            stored = customer_pb2.Customer(
                customer_id=customer_id, attributes=encode_attributes(present, "customer")
            )
            question = moment.question(customer_id)
            kind, asked = "decide", assemble(question)
            asked.dry_run = True
            if place % EXPLAINED_EVERY == 0:
                kind, asked = "explain", assemble_explain(question, ())
                asked.decide.dry_run = True
                asked.decide.contributions = decision_pb2.CONTRIBUTION_LEVEL_EXACT
            recorded.append(
                {
                    kind: json_format.MessageToDict(asked),
                    "stored": json_format.MessageToDict(stored),
                    "now_us": to_microseconds(now, "now"),
                }
            )
    FOLDER.mkdir(exist_ok=True)
    BUNDLE.write_bytes(lzma.compress(sealed.data))
    write(QUESTIONS, recorded)
    write(ANSWERS, list(answers()))


if __name__ == "__main__":
    sys.exit(record())
