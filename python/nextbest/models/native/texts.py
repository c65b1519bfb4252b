"""Texts of a row: inputs, constants, and choices between them, as imputers make. No cell holds one.

What is chosen is a text only until it is looked up; so each text is looked up, and the numbers are chosen.
"""

from dataclasses import dataclass, replace

import numpy as np

from nextbest.models.native.program import Dictionary, Floats, Program
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Element, Known, Line, References, Tensor, broadcast
from nextbest.v1 import native_pb2 as native


@dataclass(frozen=True)
class Choice:
    """The text `yes` where the cell `condition` is not 0, else `no`; references all three."""

    condition: int
    yes: int
    no: int


def choose(program: Program, condition: Tensor, branches: list[Tensor | Known]) -> Tensor:
    """Returns the texts of the first branch where the condition holds, else those of the second."""
    parts: list[tuple[References, int | None]] = [(condition.references, condition.rows)]
    for branch in branches:
        if isinstance(branch, Tensor):
            parts.append((branch.references, branch.rows))
        else:
            references = [program.text(str(text)) for text in branch.reshape(-1).tolist()]
            parts.append((np.array(references, dtype=np.int64).reshape(branch.shape), None))
    (conditions, yes, no), rows = broadcast(parts)
    lanes = zip(
        conditions.reshape(-1).tolist(), yes.reshape(-1).tolist(), no.reshape(-1).tolist(), strict=True
    )
    chosen = np.array([program.text(Choice(*lane)) for lane in lanes], dtype=np.int64)
    return Tensor(chosen.reshape(conditions.shape), rows, Element.TEXT, Line.TEXTS)


def look_up(program: Program, text: int, dictionary: Dictionary) -> References:
    """Returns the numbers that a dictionary has for a text.

    A row fails where the chosen text is not among the keys and the dictionary has nothing for others; whether
    texts that are not chosen are among them does not matter.
    """
    if text not in program.texts:
        return program.look_up(text, dictionary, of_line=True)
    if dictionary.otherwise is not None:
        return _numbers(program, text, dictionary, {})
    widened = np.pad(dictionary.values, ((0, 0), (0, 1)), constant_values=1.0)
    nothing = np.zeros(widened.shape[1], dtype=np.float32)
    found = _numbers(program, text, replace(dictionary, values=widened, otherwise=nothing), {})
    # There is one number to pick from: where the key is unknown, the place is 1, and the row fails.
    unknown = program.apply(native.NATIVE_NOT, found[-1:])
    zero = program.pick(unknown, program.constant(np.zeros(1, dtype=np.float32)))
    return program.apply(native.NATIVE_ADD, found[:-1], np.broadcast_to(zero, found[:-1].shape))


def _numbers(program: Program, text: int, dictionary: Dictionary, done: dict[int, References]) -> References:
    """Looks up the text, and whatever it may be chosen from, each once."""
    if text not in done:
        source = program.texts.get(text)
        if source is None:
            done[text] = program.look_up(text, dictionary, of_line=True)
        elif isinstance(source, Choice):
            yes = _numbers(program, source.yes, dictionary, done)
            no = _numbers(program, source.no, dictionary, done)
            condition = np.full(yes.shape, source.condition, dtype=np.int64)
            done[text] = program.apply(native.NATIVE_SELECT, condition, yes, no)
        else:
            done[text] = program.constant(_entry(dictionary, str(source)))
    return done[text]


def _entry(dictionary: Dictionary, key: str) -> Floats:
    if dictionary.otherwise is None:
        raise NotLowered("it looks up a text that is always the same")
    if key not in dictionary.keys:
        return dictionary.otherwise
    found: Floats = dictionary.values[dictionary.keys.index(key)]
    return found
