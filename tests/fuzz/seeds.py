"""Where fuzzing begins: real requests and real bundles, as files of a folder for each target.

    python tests/fuzz/seeds.py FOLDER

Also writes FOLDER/demo.bundle, the bundle that requests are decided by.
"""

import sys
import tempfile
from pathlib import Path

from nextbest import bundle, workspace
from nextbest.client.encoding import assemble, assemble_batches, assemble_explain, batches
from nextbest.client.question import Question
from nextbest.demo import bank, customers, questions
from nextbest.v1 import bundle_pb2
from nextbest.workspace.starter import write_starter

CUSTOMERS = 30


def main() -> None:
    """Replaces all seeds; inputs that fuzzing added are kept."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        demo = _compile(bank.write_workspace(Path(scratch)))
        starter = Path(scratch) / "starter"
        write_starter(starter)
        small = _compile(starter)
    for name, payload in (("demo", demo), ("starter", small)):
        _write(folder / "bundle" / name, payload)
    (folder / "demo.bundle").write_bytes(bundle.seal(bundle_pb2.Bundle.FromString(demo)).data)
    _requests(folder / "request")
    _headers(folder / "headers")


def _compile(folder: Path) -> bytes:
    # Without models: those of the demo are trained, and take no part in reading bytes.
    for file in (folder / "models").glob("*.yaml"):
        file.unlink()
    for file in (folder / "actions").glob("*.yaml"):
        text = "\n".join(_without_model(line) for line in file.read_text().splitlines())
        file.write_text(text + "\n")
    compiled = workspace.compile(folder)
    if compiled.bundle is None:
        raise SystemExit("\n".join(str(found) for found in compiled.diagnostics[:5]))
    return compiled.bundle.SerializeToString(deterministic=True)


def _without_model(line: str) -> str:
    indent, colon, _ = line.partition("propensity:")
    return f"{indent}propensity: 0.1" if colon and not indent.strip() else line


def _headers(folder: Path) -> None:
    """Header blocks, each behind how it is sent and its length: sound, malformed, by index, coded."""
    fields = {
        "sound": b"\x00\x06x-note\x04fine",
        "value": b"\x40\x06x-note\x03a\x01b",
        "name": b"\x40\x06X-Note\x01a",
        "index": b"\xbe\xbf",
        "huffman": b"\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf",
        "smaller": b"\x20\x3f\xe1\x1f",
        "named": b"\x7e\x02ab",
    }
    for name, block in fields.items():
        _write(folder / name, b"".join(bytes([form, 0, len(block)]) + block for form in range(4)))


def _requests(folder: Path) -> None:
    people = customers.generate(CUSTOMERS).to_dicts()
    ids = [person.pop("customer_id") for person in people]
    for index, person in enumerate(people):
        channel = list(questions.PLACEMENTS)[index % len(questions.PLACEMENTS)]
        (moment,) = questions.moments(channel, 1, seed=index)
        question = Question(
            customer=person,
            channel=channel,
            placements=questions.PLACEMENTS[channel],
            context=moment.context,
            explanation=["none", "funnel", "full"][index % 3],
        )
        _write(folder / f"decide-{index}", b"\0" + assemble(question).SerializeToString())
        _write(folder / f"explain-{index}", b"\1" + assemble_explain(question, []).SerializeToString())
        pairs = list(zip(ids[index : index + 3], people[index : index + 3], strict=True))
        for upsert in batches(pairs):
            _write(folder / f"upsert-{index}", b"\2" + upsert.SerializeToString())
        asked = Question(channel=channel, placements=questions.PLACEMENTS[channel], context=moment.context)
        for batch in assemble_batches(asked, pairs):
            _write(folder / f"batch-{index}", b"\3" + batch.SerializeToString())


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


if __name__ == "__main__":
    main()
