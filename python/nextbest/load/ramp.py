"""Rates, one after the other -> how far a server keeps up, where latency bends, and what it does beyond."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KEPT_UP: Final = 0.95
"""A server keeps up while it answers at least this share of the requests that are due."""
STEPS_MAX: Final = 200


class RampError(ValueError):
    """A text that is not a ramp; the message has the reason."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """Rates in requests a second: `first`, then `by` more each step, up to `last` and never beyond it.

    Attributes:
        first: Above 0.
        last: `first` or more.
        by: Above 0.
    """

    first: float
    last: float
    by: float

    @classmethod
    def parse(cls, text: str) -> "Ramp":
        """Reads `from:to:step`.

        Raises:
            RampError: It has another form, or more than `STEPS_MAX` steps.
        """
        try:
            first, last, by = (float(part) for part in text.split(":"))
        except ValueError:
            raise RampError(f"`{text}` is not of the form from:to:step") from None
        if not (0.0 < first <= last < float("inf") and 0.0 < by < float("inf")):
            raise RampError(f"`{text}` does not rise from a rate above 0 to a greater one")
        if (last - first) / by >= STEPS_MAX:
            raise RampError(f"`{text}` has more than {STEPS_MAX} steps")
        return cls(first, last, by)

    @property
    def rates(self) -> list[float]:
        """All of them, ascending."""
        # A step of 0.1 must not lose its last rate to rounding.
        steps = int((self.last - self.first) / self.by + 1e-9)
        return [self.first + number * self.by for number in range(steps + 1)]


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, and what was found at it.

    Attributes:
        rate_per_s: Requests due each second.
        report: As `_core.load` gives it.
    """

    rate_per_s: float
    report: Mapping[str, Any]

    @property
    def has_kept_up(self) -> bool:
        """Whether the server answered, with OK, nearly all that was due.

        Of a step of few requests, what was due is not quite the rate: the number sent decides then.
        """
        report = self.report
        answered_late = report["achieved_per_s"] < KEPT_UP * self.rate_per_s
        return bool(report["ok"] >= KEPT_UP * report["sent"] and not answered_late)


@dataclass(slots=True)
class Climb:
    """What a ramp has found so far.

    Attributes:
        steps: In ascending order of their rates.
        ended_by: What ended it before it was through; None: nothing.
    """

    steps: list[Step] = field(default_factory=list)
    ended_by: BaseException | None = None

    @property
    def kept(self) -> list[Step]:
        """Those up to the first that the server did not keep up with."""
        return list(itertools.takewhile(lambda step: step.has_kept_up, self.steps))

    @property
    def beyond(self) -> list[Step]:
        """All others."""
        return self.steps[len(self.kept) :]

    @property
    def saturated_per_s(self) -> float | None:
        """The first rate that the server did not keep up with; None: it kept up with all."""
        return next((step.rate_per_s for step in self.beyond), None)

    @property
    def knee_per_s(self) -> float | None:
        """The rate after which more load costs more than it brings.

        That is where rate over p99 is greatest, Kleinrock's power, among those that the server kept up with.
        None: it is the last step, so that latency has not bent yet; or the server kept up with none.
        """
        if not self.kept:
            return None
        knee = max(self.kept, key=lambda step: step.rate_per_s / max(step.report["p99_us"], 1e-3))
        return None if knee is self.steps[-1] else knee.rate_per_s

    @property
    def failed(self) -> bool:
        """Whether calls failed at a rate that the server kept up with, or at the first one.

        Beyond, failures are what a ramp looks for.
        """
        return any(step.report["errors"] for step in [*self.kept, *self.steps[:1]])


def climb(
    rates: Iterable[float],
    run: Callable[[float], Mapping[str, Any]],
    *,
    beyond: int = 0,
    ends: tuple[type[BaseException], ...] = (KeyboardInterrupt,),
) -> Climb:
    """Measures at each rate until the server no longer keeps up.

    Args:
        rates: Ascending.
        run: Measures at one.
        beyond: How many more to measure after the first that the server did not keep up with.
        ends: What `run` may raise to end it, and what was measured until then is kept. In the first step
            nothing was: there they are raised.
    """
    found = Climb()
    for rate in rates:
        try:
            found.steps.append(Step(rate, run(rate)))
        except ends as error:
            if not found.steps:
                raise
            found.ended_by = error
            break
        if len(found.beyond) > beyond:
            break
    return found
